/** Key pairs of ES256 (RFC 7518 section 3.4), and their form in the database. */
import type { JWK } from 'jose';
import { decrypt, encrypt, isOfFirstKey, type SecretPlace } from '../encryption/encryption.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import { OperatorError } from '../errors.ts';
import type { SigningKey as SigningKeyRow } from '../generated/sqlite/client.ts';

export const signingAlgorithm = 'ES256';

/** A key pair that is ready to sign. */
export type SigningKey = {
  /** The RFC 7638 thumbprint of the public key: `kid` of its tokens. */
  kid: string;
  signsFrom: Date;
  privateKey: CryptoKey;
  publicJwk: JWK;
};

function placeOf(kid: string): SecretPlace {
  return { table: 'SigningKey', column: 'encryptedJwk', row: kid };
}

/** Creates a random key pair as a row that is not stored yet. */
export async function createKeyPair(
  keys: EncryptionKeys,
  times: Pick<SigningKeyRow, 'createdAt' | 'signsFrom'>,
): Promise<SigningKeyRow> {
  // jose takes time to load, and most servers have no signing keys.
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import('jose');
  const { privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return { kid, ...times, encryptedJwk: encrypt(keys, JSON.stringify(jwk), placeOf(kid)) };
}

/**
 * Returns the key pair of a row. Its public key comes out of the ciphertext too. So a writer of the database without an
 * encryption key cannot have a public key published, and then sign with it.
 *
 * @throws OperatorError if no encryption key decrypts it.
 */
export async function openKeyPair(keys: EncryptionKeys, row: SigningKeyRow): Promise<SigningKey> {
  const jwk = decryptJwk(keys, row);
  const { d: _private, ...publicJwk } = jwk;
  const { importJWK } = await import('jose');
  const privateKey = await importJWK(jwk, signingAlgorithm);
  // It is bytes only for a symmetric key, which has no `crv`.
  if (privateKey instanceof Uint8Array) throw new Error(`The signing key ${row.kid} is symmetric.`);
  const { kid, signsFrom } = row;
  return { kid, signsFrom, privateKey, publicJwk: { ...publicJwk, kid, alg: signingAlgorithm, use: 'sig' } };
}

/**
 * Returns a row with its key pair encrypted again by the first encryption key, or null if it already is.
 *
 * @throws OperatorError if no encryption key decrypts it.
 */
export function reencrypt(keys: EncryptionKeys, row: SigningKeyRow): SigningKeyRow | null {
  const jwk = decryptJwk(keys, row);
  if (isOfFirstKey(keys, row.encryptedJwk)) return null;
  return { ...row, encryptedJwk: encrypt(keys, JSON.stringify(jwk), placeOf(row.kid)) };
}

function decryptJwk(keys: EncryptionKeys, { kid, encryptedJwk }: SigningKeyRow): JWK {
  try {
    // It was authenticated as the text that `createKeyPair` wrote.
    return JSON.parse(decrypt(keys, encryptedJwk, placeOf(kid))) as JWK;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    throw new OperatorError(
      `A signing key cannot be read. ${error.message} Add the key that encrypted it: of several lines ` +
        'ENCRYPTION_KEYS in .env, only the last one counts. If that key is lost, `delete-signing-keys` makes room for ' +
        'new signing keys, and invalidates the tokens that the old ones signed.',
    );
  }
}
