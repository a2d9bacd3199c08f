import type { Clock } from '../database/clock.ts';
import type { Database, Db } from '../database/database.ts';
import { type IsHeld, withLease } from '../database/lease.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import type { SigningKey as SigningKeyRow } from '../generated/sqlite/client.ts';
import { createKeyPair, reencrypt } from './key-pair.ts';
import { planRotation } from './rotation.ts';

/** Returns the stored keys in the order in which they sign. */
export function listKeyRows(db: Db): Promise<SigningKeyRow[]> {
  return db.signingKey.findMany({ orderBy: [{ signsFrom: 'asc' }, { kid: 'asc' }] });
}

/**
 * Does the due steps of the rotation, and encrypts with the first encryption key what an older one encrypted. Returns
 * whether it did: not if another process is rotating.
 *
 * @throws OperatorError if a stored key cannot be decrypted. Nothing is changed then: a new key would be of no use to
 *   servers with the right encryption keys.
 */
export async function rotateSigningKeys(database: Database, keys: EncryptionKeys, clock: Clock): Promise<boolean> {
  const done = await withLease(database, 'signing-keys', clock, async (isHeld) => {
    await rotate(database, keys, clock.now(), isHeld);
    return true;
  });
  return done ?? false;
}

async function rotate(db: Db, keys: EncryptionKeys, now: Date, isHeld: IsHeld): Promise<void> {
  const rows = await listKeyRows(db);
  const changed = rows.flatMap((row) => reencrypt(keys, row) ?? []);
  const { nextSignsFrom, expiredKids } = planRotation(rows, now);
  const next = nextSignsFrom && (await createKeyPair(keys, { createdAt: now, signsFrom: nextSignsFrom }));
  // A process that stood still may have lost the lease, and another one may have created the key.
  if (!(await isHeld())) return;
  if (next) await db.signingKey.create({ data: next });
  if (expiredKids.length > 0) await db.signingKey.deleteMany({ where: { kid: { in: expiredKids } } });
  // Not `update`, which fails if the row is gone.
  for (const { kid, encryptedJwk } of changed)
    await db.signingKey.updateMany({ where: { kid }, data: { encryptedJwk } });
}

/**
 * Deletes all signing keys, for an encryption key that is lost or has leaked. Running servers make new ones within a
 * minute. Returns the number of deleted keys.
 */
export async function deleteSigningKeys(db: Db): Promise<number> {
  const { count } = await db.signingKey.deleteMany();
  return count;
}
