import type { Db } from '../database/database.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { parseObject } from '../json.ts';
import { findChange } from '../users/account-changes.ts';
import type { User } from '../users/user.ts';
import type { LinkKind } from './outbox.ts';

/** The link of a mail, without its secret. */
export type MailLink = { expiresAt: Date };

/**
 * Returns the link of a mail, or null if there is none: a link to an account exists only while it leads to that account,
 * and a link that undoes a change only while the change can be undone.
 *
 * @param of.data - the data of the link, as JSON
 */
export async function linkOf(
  db: Db,
  mail: Mail,
  of: { kind: LinkKind; data: string | null; user: User | null },
  now: Date,
): Promise<MailLink | null> {
  const { kind, data, user } = of;
  if (kind.purpose === 'UNDO_CHANGE') return findChange(db, changeOf(data), now);
  const isPossible = kind.purpose === 'SIGN_UP' || leadsToUser(mail, kind, user);
  return isPossible ? { expiresAt: new Date(now.getTime() + kind.lifetimeMs) } : null;
}

/**
 * Returns whether a mail leads to the account of its user, by the address that the account has. A thief may have changed
 * the address since the sign-in that a link disowns.
 */
export function leadsToUser({ recipient }: Mail, kind: LinkKind | null, user: User | null): boolean {
  if (user === null || user.suspendedAt !== null) return false;
  const isBoundToAddress = kind?.purpose !== 'CHANGE_EMAIL' && kind?.purpose !== 'DISOWN_SESSION';
  return !isBoundToAddress || user.email === recipient;
}

/** Returns the id of the change in the data of a link or its token. Zero, the id of none, without one. */
export function changeOf(data: string | null): bigint {
  const change = data === null ? null : parseObject(data)?.change;
  return typeof change === 'string' && /^\d{1,19}$/.test(change) ? BigInt(change) : 0n;
}
