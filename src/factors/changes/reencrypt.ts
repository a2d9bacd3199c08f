import type { Database } from '../../database/database.ts';
import { decrypt, encrypt, isOfFirstKey } from '../../encryption/encryption.ts';
import type { EncryptionKeys } from '../../encryption/keys.ts';
import type { AccountChange } from '../../users/account-changes.ts';
import { placeOf } from '../authenticator-app.ts';
import { formatFactors, keptSecretsOf, parseFactors } from './kept-factors.ts';

const pageSize = 200;

/**
 * Encrypts with the first key what an older one encrypted in the factors that are kept for undos. Undone and expired
 * changes too, until they are deleted.
 *
 * @throws OperatorError if a secret cannot be decrypted. The others are done all the same.
 */
export async function reencryptKeptFactors(database: Database, keys: EncryptionKeys): Promise<void> {
  const errors: unknown[] = [];
  for (let after = 0n; ; ) {
    const changes = await database.accountChange.findMany({
      where: { id: { gt: after }, factors: { contains: '"encryptedSecret"' } },
      orderBy: { id: 'asc' },
      take: pageSize,
    });
    for (const change of changes) await reencrypt(database, keys, change).catch((error) => errors.push(error));
    const last = changes.at(-1);
    if (last === undefined || changes.length < pageSize) break;
    after = last.id;
  }
  if (errors.length > 0) throw errors[0];
}

async function reencrypt(database: Database, keys: EncryptionKeys, { id, userId, factors: before }: AccountChange) {
  const factors = parseFactors(before);
  const old = factors === null ? [] : keptSecretsOf(factors).filter((app) => !isOfFirstKey(keys, app.encryptedSecret));
  if (factors === null || old.length === 0) return;
  const place = placeOf(userId);
  for (const app of old) app.encryptedSecret = encrypt(keys, decrypt(keys, app.encryptedSecret, place), place);
  await database.accountChange.updateMany({ where: { id }, data: { factors: formatFactors(factors) } });
}
