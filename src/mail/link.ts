import type { Db } from '../database/database.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { parseObject } from '../json.ts';
import { findChange } from '../users/account-changes.ts';
import { findResetById } from '../users/factor-resets.ts';
import type { User } from '../users/user.ts';
import type { LinkKind } from './outbox.ts';

/** The link of a mail, without its secret. */
export type MailLink = { expiresAt: Date };

/**
 * Returns the link of a mail, or null if there is none: a link to an account exists only while it leads to that account,
 * a link that undoes a change only while the change can be undone, and a link that refuses a reset of the factors only
 * while that is pending.
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
  if (kind.purpose === 'REFUSE_FACTOR_RESET') return resetLink(db, resetOf(data), now);
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

async function resetLink(db: Db, id: bigint, now: Date): Promise<MailLink | null> {
  const reset = await findResetById(db, id, now);
  return reset && { expiresAt: reset.dueAt };
}

/** Returns the id of the change in the data of a link or its token. Zero, the id of none, without one. */
export function changeOf(data: string | null): bigint {
  return idIn(data, 'change');
}

/** Returns the id of the reset of factors in the data of a link or its token. Zero, the id of none, without one. */
export function resetOf(data: string | null): bigint {
  return idIn(data, 'reset');
}

function idIn(data: string | null, name: string): bigint {
  const id = data === null ? null : parseObject(data)?.[name];
  return typeof id === 'string' && /^\d{1,19}$/.test(id) ? BigInt(id) : 0n;
}
