import type { Db } from '../database/database.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { parseObject } from '../json.ts';
import { openMailedCode } from '../tokens/mailed-code.ts';
import { findChange } from '../users/account-changes.ts';
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
 * a link that undoes a change only while the change can be undone, and a link with a code only while the challenge of the
 * code can be answered.
 */
export async function linkOf(
  db: Db,
  mail: Mail,
  { kind, data, user, encryptionKeys }: LinkOf,
  now: Date,
): Promise<MailLink | null> {
  if (kind.purpose === 'UNDO_CHANGE') return findChange(db, changeOf(data), now);
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

/** Returns the id of the change in the data of a link or its token. Zero, the id of none, without one. */
export function changeOf(data: string | null): bigint {
  const change = data === null ? null : parseObject(data)?.change;
  return typeof change === 'string' && /^\d{1,19}$/.test(change) ? BigInt(change) : 0n;
}

/** Returns the handle of the challenge in the data of a link or its token. Empty, the handle of none, without one. */
export function challengeOf(data: string | null): string {
  const challenge = data === null ? null : parseObject(data)?.challenge;
  return typeof challenge === 'string' ? challenge : '';
}
