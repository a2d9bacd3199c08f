/**
 * Codes that are mailed. A code answers one challenge, which only the device that began it has. With six digits, its
 * hash would hide nothing: a reader of the database could try all of them. So it is stored encrypted.
 */
import { randomInt } from 'node:crypto';
import type { Db } from '../database/database.ts';
import { decrypt, encrypt, type SecretPlace } from '../encryption/encryption.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import type { Challenge } from '../generated/sqlite/client.ts';
import { parseObject } from '../json.ts';
import { findOpenChallenge } from './challenge.ts';
import { equalSecrets } from './token.ts';

/** OWASP ASVS 5.0, 6.5.4: at least 20 bits. Few tries are allowed. */
const digits = 6;

export type MailedCode = {
  code: string;
  /** The expiry of its challenge. */
  expiresAt: Date;
};

/**
 * Returns the code of a challenge, and makes it if there is none yet. A mail that is sent twice, because of a failure,
 * has the same code. Returns null if the challenge was used or has expired.
 */
export async function openMailedCode(
  db: Db,
  keys: EncryptionKeys,
  handle: string,
  now: Date,
): Promise<MailedCode | null> {
  const challenge = await findOpenChallenge(db, handle, now);
  if (challenge === null) return null;
  const { id, expiresAt } = challenge;
  const known = codeIn(keys, challenge);
  if (known !== null) return { code: known, expiresAt };
  const code = String(randomInt(10 ** digits)).padStart(digits, '0');
  const data = JSON.stringify({ ...dataOf(challenge), encryptedCode: encrypt(keys, code, placeOf(challenge)) });
  const { count } = await db.challenge.updateMany({ where: { id, usedAt: null }, data: { data } });
  return count === 0 ? null : { code, expiresAt };
}

/**
 * Returns whether a text is the code that was mailed for a challenge. Spaces in it do not matter. Nothing is, if no mail
 * was sent.
 */
export function isMailedCode(keys: EncryptionKeys, challenge: Challenge, text: string): boolean {
  return equalSecrets(text.replaceAll(/\s/g, ''), codeIn(keys, challenge));
}

function codeIn(keys: EncryptionKeys, challenge: Challenge): string | null {
  const { encryptedCode } = dataOf(challenge);
  return typeof encryptedCode === 'string' ? decrypt(keys, encryptedCode, placeOf(challenge)) : null;
}

function placeOf({ handle }: Challenge): SecretPlace {
  return { table: 'Challenge', column: 'data', row: handle };
}

function dataOf({ data }: Challenge): Record<string, unknown> {
  return (data && parseObject(data)) || {};
}
