import type { Db } from '../database/database.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { parseObject } from '../json.ts';
import { openMailedCode } from '../tokens/mailed-code.ts';
import { findChange } from '../users/account-changes.ts';
import { findResetById } from '../users/factor-resets.ts';
import type { User } from '../users/user.ts';
import type { LinkKind } from './outbox.ts';

/** The link of a mail, without its token. */
export type MailLink = {
  expiresAt: Date;
  /** The code beside the link. None for a link without one. */
  code?: string;
};

export type LinkOf = {
  kind: LinkKind;
  /** The data of the link, as JSON. */
  data: string | null;
  user: User | null;
  /** The keys that encrypt codes. Without them, no mail has a code. */
  encryptionKeys: EncryptionKeys | null;
};

/**
 * Returns the link of a mail, or null if there is none: a link to an account exists only while it leads to that account,
 * a link that undoes a change only while the change can be undone, a link with a code only while the challenge of the code
 * can be answered, and a link that refuses a reset of the factors only while that is pending.
 */
export async function linkOf(
  db: Db,
  mail: Mail,
  { kind, data, user, encryptionKeys }: LinkOf,
  now: Date,
): Promise<MailLink | null> {
  if (kind.purpose === 'UNDO_CHANGE') return findChange(db, changeOf(data), now);
  if (kind.purpose === 'REFUSE_FACTOR_RESET') return resetLink(db, resetOf(data), now);
  const isPossible = kind.createsAccount || leadsToUser(mail, kind, user);
  if (!isPossible) return null;
  if (kind.hasCode) return encryptionKeys && openMailedCode(db, encryptionKeys, challengeOf(data), now);
  return { expiresAt: new Date(now.getTime() + kind.lifetimeMs) };
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

/** Returns the handle of the challenge in the data of a link or its token. Empty, the handle of none, without one. */
export function challengeOf(data: string | null): string {
  const challenge = data === null ? null : parseObject(data)?.challenge;
  return typeof challenge === 'string' ? challenge : '';
}
