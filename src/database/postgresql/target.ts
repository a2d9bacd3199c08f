/** The role that a PostgreSQL server must have for a connection to be used: `target_session_attrs`, as in libpq. */
import type pg from 'pg';
import { hostUrls } from '../url.ts';

/**
 * The values of `target_session_attrs`. A server that is `primary` may have been set to read-only by
 * `default_transaction_read_only`; `read-write` refuses it.
 *
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-TARGET-SESSION-ATTRS
 */
export const targets = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const;

export type Target = (typeof targets)[number];

/** Returns the `target_session_attrs` of a URL. Null if it has none, undefined for an unknown value. */
export function targetOf(url: string): Target | null | undefined {
  const value = new URL(hostUrls(url)[0]).searchParams.get('target_session_attrs');
  return value === null ? null : targets.find((target) => target === value);
}

type Role = { isStandby: boolean; isReadOnly: boolean };

/** The time for which the check waits, in milliseconds. The server has answered a moment ago. */
const timeoutMs = 2_000;

/**
 * Checks the role of the server at the end of a connection. A primary becomes a standby only by a restart, which ends
 * the connection. So it is enough to check each connection once.
 *
 * @throws Error with the code of a write on a standby, or of a refused connection. Both mean 503
 */
export async function requireTarget(client: pg.Client, target: Target): Promise<void> {
  if (target === 'any' || target === 'prefer-standby') return;
  const query = {
    text: `SELECT pg_is_in_recovery() AS "isStandby", current_setting('transaction_read_only') = 'on' AS "isReadOnly"`,
    // Missing in the types of the driver.
    query_timeout: timeoutMs,
  };
  const { rows } = await client.query<Role>(query);
  const reason = rows[0] && whyNot(target, rows[0]);
  if (!reason) return;
  const code = target === 'primary' || target === 'read-write' ? '25006' : '08004';
  throw Object.assign(new Error(`${client.host}:${client.port} ${reason}`), { code });
}

function whyNot(target: Target, { isStandby, isReadOnly }: Role): string | null {
  switch (target) {
    case 'primary':
      return isStandby ? 'is a standby' : null;
    case 'read-write':
      if (isStandby) return 'is a standby';
      return isReadOnly ? 'is read-only (default_transaction_read_only)' : null;
    case 'standby':
      return isStandby ? null : 'is not a standby';
    case 'read-only':
      return isReadOnly ? null : 'is not read-only';
    default:
      return null;
  }
}
