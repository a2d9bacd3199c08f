/** Recovery codes: secrets that a user keeps on paper. Each replaces a lost second factor once (look-up secrets). */
import { randomInt } from 'node:crypto';
import type { Db } from '../database/database.ts';
import { InvalidCredentialsError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { actingAs, type Scope } from '../scope.ts';
import { hashToken } from '../tokens/token.ts';

/** The number of codes in a set. */
export const recoveryCodeCount = 10;

/** Crockford's base32, 5 bits a character. It has no I, L, O and U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * 24 characters have 120 random bits. NIST SP 800-63B-4 section 3.1.2 and OWASP ASVS 5.0, 6.5.2, allow a fast hash from
 * 112 bits on.
 */
const characters = 24;

/** Replaces all codes of a user by a new set, and returns the set. The codes exist only here and with the user. */
export async function replaceRecoveryCodes(db: Db, userId: bigint, now: Date): Promise<string[]> {
  const codes = Array.from({ length: recoveryCodeCount }, createCode);
  await db.recoveryCode.deleteMany({ where: { userId } });
  const rows = codes.map((code) => ({ createdAt: now, userId, hashedCode: hashOf(code) }));
  await db.recoveryCode.createMany({ data: rows });
  return codes;
}

/**
 * Creates the codes of an account that needs a second factor from now on, and records that. Returns null if it has codes
 * already.
 */
export async function createFirstRecoveryCodes(db: Db, scope: Scope, userId: bigint): Promise<string[] | null> {
  if ((await countRecoveryCodes(db, userId)) > 0) return null;
  const codes = await replaceRecoveryCodes(db, userId, scope.now);
  await recordEvent(db, actingAs(scope, { id: userId }), { type: 'FACTOR_ADDED', userId, detail: 'RECOVERY_CODES' });
  return codes;
}

function createCode(): string {
  const code = Array.from({ length: characters }, () => alphabet[randomInt(alphabet.length)]).join('');
  return code.replaceAll(/.{4}(?=.)/g, '$&-');
}

/** Returns the hash of a code, in any case and with any dashes and spaces, with O read as 0, and I and L as 1. */
function hashOf(code: string): string {
  const plain = code.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
  return hashToken(plain);
}

/**
 * Uses a code up, and returns the number of codes that are left. Of several requests with one code, one succeeds.
 *
 * @throws InvalidCredentialsError for a wrong code and for one that was used.
 */
export async function redeemRecoveryCode(db: Db, userId: bigint, code: string): Promise<number> {
  const { count } = await db.recoveryCode.deleteMany({ where: { userId, hashedCode: hashOf(code) } });
  if (count === 0) throw new InvalidCredentialsError('This recovery code is wrong, or was used already. Take another.');
  return countRecoveryCodes(db, userId);
}

/** Returns the number of codes that a user has left. */
export function countRecoveryCodes(db: Db, userId: bigint): Promise<number> {
  return db.recoveryCode.count({ where: { userId } });
}

/** Deletes all codes of a user, for an account that needs no second factor any more. */
export async function deleteRecoveryCodes(db: Db, scope: Scope, userId: bigint): Promise<void> {
  const { count } = await db.recoveryCode.deleteMany({ where: { userId } });
  if (count === 0) return;
  await recordEvent(db, actingAs(scope, { id: userId }), { type: 'FACTOR_REMOVED', userId, detail: 'RECOVERY_CODES' });
}
