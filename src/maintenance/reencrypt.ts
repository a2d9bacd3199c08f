/** The secrets that are stored encrypted: their encryption by the first key, after a rotation of `ENCRYPTION_KEYS`. */

import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { keyIdOf } from '../encryption/encryption.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import { reencryptKeptFactors } from '../factors/changes/reencrypt.ts';
import { reencryptAuthenticatorApps } from '../factors/reencrypt.ts';
import { rotateSigningKeys } from '../signing-keys/rotate.ts';
import { reencryptWebhookSecrets } from '../webhooks/secrets.ts';

/**
 * Encrypts with the first key every secret that an older one encrypted. Rotates the signing keys too, if that is due.
 *
 * @throws OperatorError if a secret cannot be decrypted. All others are done all the same.
 */
export async function reencryptSecrets(database: Database, keys: EncryptionKeys, clock: Clock): Promise<void> {
  const acts = [
    () => rotateSigningKeys(database, keys, clock),
    () => reencryptWebhookSecrets(database, keys, clock.now()),
    () => reencryptAuthenticatorApps(database, keys),
    () => reencryptKeptFactors(database, keys),
  ];
  const errors: unknown[] = [];
  for (const act of acts) await act().catch((error) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

/** The number of secrets that a key has encrypted. */
export type SecretCount = { secret: string; keyId: string; count: number };

/** Counts the encrypted secrets by their kind and the id of their key, in this order. */
export async function countSecrets(database: Database, now: Date): Promise<SecretCount[]> {
  const counts: SecretCount[] = [];
  const add = (secret: string, ciphertext: string | null) => {
    if (ciphertext === null) return;
    const keyId = keyIdOf(ciphertext) ?? 'unknown';
    const known = counts.find((one) => one.secret === secret && one.keyId === keyId);
    if (known) known.count += 1;
    else counts.push({ secret, keyId, count: 1 });
  };
  for (const { encryptedJwk } of await database.signingKey.findMany()) add('signing key', encryptedJwk);
  for (const { encryptedSecret, previousEncryptedSecret } of await database.webhook.findMany()) {
    add('webhook secret', encryptedSecret);
    add('webhook secret', previousEncryptedSecret);
  }
  for await (const { encryptedSecret } of authenticatorApps(database)) add('authenticator app', encryptedSecret);
  // Apps that wait for their first code. They expire within ten minutes.
  const isWaiting = { purpose: 'AUTHENTICATOR_APP', usedAt: null, expiresAt: { gt: now } };
  for (const { data } of await database.challenge.findMany({ where: isWaiting })) add('new authenticator app', data);
  return counts.sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

const key = ({ secret, keyId }: SecretCount) => `${secret} ${keyId}`;

const pageSize = 1_000;

async function* authenticatorApps(database: Database) {
  for (let after = 0n; ; ) {
    const rows = await database.authenticatorApp.findMany({
      where: { id: { gt: after } },
      orderBy: { id: 'asc' },
      take: pageSize,
      select: { id: true, encryptedSecret: true },
    });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageSize) return;
    after = last.id;
  }
}
