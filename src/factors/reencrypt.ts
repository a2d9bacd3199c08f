import type { Database } from '../database/database.ts';
import { decrypt, encrypt, prefixOfFirstKey } from '../encryption/encryption.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import { placeOf } from './authenticator-app.ts';

const pageSize = 200;

/**
 * Encrypts with the first key the secrets of authenticator apps that an older one encrypted. Page by page, and without
 * a lock: sign-ins go on meanwhile.
 *
 * @throws OperatorError if a secret cannot be decrypted. The others are done all the same.
 */
export async function reencryptAuthenticatorApps(database: Database, keys: EncryptionKeys): Promise<void> {
  const errors: unknown[] = [];
  for (let after = 0n; ; ) {
    const rows = await database.authenticatorApp.findMany({
      where: { id: { gt: after }, NOT: { encryptedSecret: { startsWith: prefixOfFirstKey(keys) } } },
      orderBy: { id: 'asc' },
      take: pageSize,
    });
    for (const { id, userId, encryptedSecret: before } of rows) {
      try {
        const encryptedSecret = encrypt(keys, decrypt(keys, before, placeOf(userId)), placeOf(userId));
        // Unless the app was replaced meanwhile.
        await database.authenticatorApp.updateMany({
          where: { id, encryptedSecret: before },
          data: { encryptedSecret },
        });
      } catch (error) {
        errors.push(error);
      }
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) break;
    after = last.id;
  }
  if (errors.length > 0) throw errors[0];
}
