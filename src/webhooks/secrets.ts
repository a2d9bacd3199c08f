/** The secrets by which receivers verify messages. They have to be read again, so they are stored encrypted. */
import { randomBytes } from 'node:crypto';
import type { Database } from '../database/database.ts';
import { decrypt, encrypt, isOfFirstKey, type SecretPlace } from '../encryption/encryption.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import type { Webhook } from '../generated/sqlite/client.ts';
import type { SigningSecrets } from './formats.ts';

/** The names of the columns with a secret. */
type SecretColumn = 'encryptedSecret' | 'previousEncryptedSecret';

/** Standard Webhooks: 24 to 64 random bytes. */
const secretBytes = 32;

/** Creates the secret of a webhook, in the form of Standard Webhooks: `whsec_` and the bytes in base64. */
export function createWebhookSecret(): string {
  return `whsec_${randomBytes(secretBytes).toString('base64')}`;
}

function placeOf(id: bigint, column: SecretColumn): SecretPlace {
  return { table: 'Webhook', column, row: String(id) };
}

/** Encrypts a secret for a column of a webhook. */
export function encryptSecret(keys: EncryptionKeys, secret: string, id: bigint, column: SecretColumn): string {
  return encrypt(keys, secret, placeOf(id, column));
}

/** Returns the current secret of a webhook. @throws OperatorError if no encryption key decrypts it. */
export function currentSecretOf(keys: EncryptionKeys, { id, encryptedSecret }: Webhook): string {
  return decrypt(keys, encryptedSecret, placeOf(id, 'encryptedSecret'));
}

/**
 * Returns the secrets that sign a message at a time.
 *
 * @throws OperatorError if no encryption key decrypts one of them.
 */
export function signingSecretsOf(keys: EncryptionKeys, webhook: Webhook, now: Date): SigningSecrets {
  const { id, previousEncryptedSecret: previous, previousSecretUntil: until } = webhook;
  const current = currentSecretOf(keys, webhook);
  if (previous === null || until === null || until <= now) return [current];
  return [current, decrypt(keys, previous, placeOf(id, 'previousEncryptedSecret'))];
}

/**
 * Encrypts with the first key what an older one encrypted, and deletes previous secrets that sign nothing any more.
 *
 * @throws OperatorError if a secret cannot be decrypted. The others are done all the same.
 */
export async function reencryptWebhookSecrets(database: Database, keys: EncryptionKeys, now: Date): Promise<void> {
  const over = { previousSecretUntil: { lte: now } };
  await database.webhook.updateMany({
    where: over,
    data: { previousEncryptedSecret: null, previousSecretUntil: null },
  });
  const errors: unknown[] = [];
  for (const webhook of await database.webhook.findMany()) {
    for (const column of ['encryptedSecret', 'previousEncryptedSecret'] as const) {
      const before = webhook[column];
      if (before === null || isOfFirstKey(keys, before)) continue;
      try {
        const place = placeOf(webhook.id, column);
        const data = { [column]: encrypt(keys, decrypt(keys, before, place), place) };
        // Unless it was rotated meanwhile.
        await database.webhook.updateMany({ where: { id: webhook.id, [column]: before }, data });
      } catch (error) {
        errors.push(error);
      }
    }
  }
  if (errors.length > 0) throw errors[0];
}
