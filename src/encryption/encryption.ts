/** Encrypts secrets that the server has to read again, with keys that are not in the database (AES-256-GCM). */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { OperatorError } from '../errors.ts';
import type { EncryptionKey, EncryptionKeys } from './keys.ts';

/** The place of a secret in the database. A ciphertext that was moved to another place cannot be decrypted there. */
export type SecretPlace = { table: string; column: string; row: string };

const algorithm = 'aes-256-gcm';

/** The first part of every ciphertext: the algorithm, by its name in JOSE (RFC 7518 section 5.3). */
const prefix = 'A256GCM';

/** NIST SP 800-38D section 8.2.2: 96 random bits. One key may then encrypt 2^32 secrets. */
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Encrypts a secret with the first key. Returns `A256GCM.<key id>.<nonce>.<ciphertext and tag>`, the last two in
 * base64url. The place and the id of the key are authenticated as additional data.
 */
export function encrypt([key]: EncryptionKeys, secret: string, place: SecretPlace): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key.secret, nonce, { authTagLength: tagBytes });
  cipher.setAAD(additionalData(key, place));
  const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return [prefix, key.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.');
}

/**
 * Decrypts a ciphertext of `encrypt` that was stored in this place.
 *
 * @throws OperatorError if its key is not in the list, or is another one than the key that encrypted it, or if the
 *   ciphertext was changed or comes from another place.
 */
export function decrypt(keys: EncryptionKeys, ciphertext: string, place: SecretPlace): string {
  const [, id, nonce = '', sealed = ''] = form.exec(ciphertext) ?? [];
  const name = `${place.table}.${place.column}`;
  if (id === undefined) throw new OperatorError(`A value of ${name} has not the form of a ciphertext.`);
  const key = keys.find((one) => one.id === id);
  if (!key) throw new OperatorError(`ENCRYPTION_KEYS lacks the key "${id}", which encrypted a value of ${name}.`);
  try {
    return open(key, Buffer.from(nonce, 'base64url'), Buffer.from(sealed, 'base64url'), place);
  } catch {
    throw new OperatorError(
      `The key "${id}" of ENCRYPTION_KEYS does not decrypt a value of ${name}: another key of this id encrypted it, ` +
        'or the value was changed.',
    );
  }
}

const form = /^A256GCM\.([\w-]+)\.([\w-]{16})\.([\w-]{22,})$/;

function open(key: EncryptionKey, nonce: Buffer, sealed: Buffer, place: SecretPlace): string {
  const decipher = createDecipheriv(algorithm, key.secret, nonce, { authTagLength: tagBytes });
  decipher.setAAD(additionalData(key, place));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
}

/** Returns whether a ciphertext was made with the first key. If not, encrypt it again: an older key may be leaving. */
export function isOfFirstKey(keys: EncryptionKeys, ciphertext: string): boolean {
  return ciphertext.startsWith(prefixOfFirstKey(keys));
}

/** Returns the text with which all ciphertexts of the first key begin, and no others. */
export function prefixOfFirstKey([key]: EncryptionKeys): string {
  return `${prefix}.${key.id}.`;
}

/** Returns the id of the key that made a ciphertext. Null for a text of another form. */
export function keyIdOf(ciphertext: string): string | null {
  return form.exec(ciphertext)?.[1] ?? null;
}

/** Returns the data that is authenticated with a ciphertext. As a JSON list, no two places have the same. */
function additionalData({ id }: EncryptionKey, { table, column, row }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([prefix, id, table, column, row]));
}
