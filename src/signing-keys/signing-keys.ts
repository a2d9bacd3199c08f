import { setTimeout as sleep } from 'node:timers/promises';
import type { JWTPayload } from 'jose';
import type { Config } from '../config/config.ts';
import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { isUnavailable } from '../database/failures.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import { OperatorError } from '../errors.ts';
import type { SigningKey as SigningKeyRow } from '../generated/sqlite/client.ts';
import { openKeyPair, type SigningKey, signingAlgorithm } from './key-pair.ts';
import { listKeyRows, rotateSigningKeys } from './rotate.ts';
import { currentOf, maxCopyAgeMs, maxTokenLifetimeMs } from './rotation.ts';

/** The age at which a copy of the keys is read again. */
const refreshMs = 60_000;

/** The pause after a failed read. */
const retryMs = 5_000;

/** The maximum wait for the first key: longer than the lease of a process that died while it created the key. */
const firstKeyMs = 60_000;
const pollMs = 50;

/** A copy of the stored keys in memory. */
type Copy = {
  keys: readonly [SigningKey, ...SigningKey[]];
  /** The public keys as a JWK Set (RFC 7517 section 5), in JSON. */
  jwks: string;
  readAt: number;
};

type Stored = { database: Database; keys: EncryptionKeys; clock: Clock };

/** Claims to sign. `iss` and `iat` are not among them: the signer sets them. */
export type Claims = JWTPayload & { iss?: never; iat?: never };

/**
 * Signs tokens, and publishes the public keys. Both use a copy of the keys in memory, which is read again once a
 * minute, for all requests together. While the database does not answer, a copy serves up to `maxCopyAgeMs`.
 */
export class SigningKeys {
  /** The issuer of every token (`iss`): the origin of `PUBLIC_URL`. */
  readonly issuer: string;
  readonly #stored: Stored;
  readonly #report: (error: unknown) => void;
  #copy: Copy;
  #readAgainAt: number;
  #reading: Promise<Copy> | null = null;
  /** Whether the last read failed. Then requests do not wait for the next one, which may take as long as a timeout. */
  #isFailing = false;

  constructor(issuer: string, stored: Stored, copy: Copy, report: (error: unknown) => void) {
    this.issuer = issuer;
    this.#stored = stored;
    this.#report = report;
    this.#copy = copy;
    this.#readAgainAt = copy.readAt + refreshMs;
  }

  /**
   * Signs claims as a JWT in compact form (RFC 7519), as this issuer and now.
   *
   * @param header - `typ` tells the kind of token, so that none is taken for another (RFC 8725 section 3.11): `at+jwt`
   *   for an access token (RFC 9068), `token-introspection+jwt` for an answer of introspection (RFC 9701).
   * @throws an error that means 503 if the keys cannot be read.
   */
  async sign(claims: Claims, { typ }: { typ: string }): Promise<string> {
    const { keys } = await this.#current();
    const now = this.#stored.clock.now();
    requireShort(claims, now);
    const { kid, privateKey } = currentOf(keys, now);
    const { SignJWT } = await import('jose');
    return new SignJWT({ iss: this.issuer, ...claims })
      .setProtectedHeader({ alg: signingAlgorithm, typ, kid })
      .setIssuedAt(now)
      .sign(privateKey);
  }

  /** Returns the JWK Set of all published keys, in JSON. @throws an error that means 503 if they cannot be read. */
  async jwks(): Promise<string> {
    return (await this.#current()).jwks;
  }

  async #current(): Promise<Copy> {
    const now = this.#stored.clock.now().getTime();
    const isTooOld = now - this.#copy.readAt >= maxCopyAgeMs;
    if (now < this.#readAgainAt && !isTooOld) return this.#copy;
    this.#reading ??= this.#read(now).finally(() => {
      this.#reading = null;
    });
    return this.#isFailing && !isTooOld ? this.#copy : this.#reading;
  }

  async #read(now: number): Promise<Copy> {
    try {
      this.#copy = await readKeys(this.#stored);
      this.#readAgainAt = now + refreshMs;
      this.#isFailing = false;
    } catch (error) {
      this.#isFailing = true;
      if (now - this.#copy.readAt >= maxCopyAgeMs) throw error;
      if (!isUnavailable(error)) this.#report(error);
      this.#readAgainAt = now + retryMs;
    }
    return this.#copy;
  }
}

/** The rotation deletes a key as soon as its longest tokens have expired. */
function requireShort({ exp }: Claims, now: Date): void {
  if (exp !== undefined && exp * 1_000 - now.getTime() > maxTokenLifetimeMs) {
    throw new Error(`A token may live for ${maxTokenLifetimeMs} ms, because its key is deleted after that time.`);
  }
}

/**
 * Opens the signing keys of a database, and creates the first one. Of several concurrent callers, one creates it.
 * Returns null if no encryption keys are configured: this server then signs nothing.
 *
 * @throws OperatorError if a stored key cannot be decrypted, also because no encryption keys are configured. It is
 *   never replaced by a new one, because tokens that it signed may be valid.
 */
export async function openSigningKeys(
  database: Database,
  { encryptionKeys, publicUrl }: Pick<Config, 'encryptionKeys' | 'publicUrl'>,
  clock: Clock,
  report: (error: unknown) => void,
): Promise<SigningKeys | null> {
  if (encryptionKeys === null) {
    await requireNone(database);
    return null;
  }
  const stored = { database, keys: encryptionKeys, clock };
  return new SigningKeys(publicUrl.origin, stored, await readKeys(stored), report);
}

async function requireNone(database: Database): Promise<void> {
  if ((await database.signingKey.count()) === 0) return;
  throw new OperatorError(
    'The database has signing keys, but ENCRYPTION_KEYS is not set. Set it to the keys that encrypted them. To sign no ' +
      'tokens any more, stop all servers and run `delete-signing-keys`.',
  );
}

/** Reads the keys, and creates the first one if there is none. */
async function readKeys({ database, keys, clock }: Stored): Promise<Copy> {
  const readAt = clock.now().getTime();
  const [first, ...rest] = await someKeyRows({ database, keys, clock });
  const opened = [await openKeyPair(keys, first), ...(await Promise.all(rest.map((row) => openKeyPair(keys, row))))];
  const jwks = JSON.stringify({ keys: opened.map(({ publicJwk }) => publicJwk) });
  // There is one for each row.
  return { keys: opened as [SigningKey, ...SigningKey[]], jwks, readAt };
}

/** Returns the rows of the keys, and waits for the first one while another process creates it. */
async function someKeyRows({ database, keys, clock }: Stored): Promise<[SigningKeyRow, ...SigningKeyRow[]]> {
  const deadline = performance.now() + firstKeyMs;
  for (;;) {
    const [first, ...rest] = await listKeyRows(database);
    if (first) return [first, ...rest];
    const isDone = await rotateSigningKeys(database, keys, clock);
    if (performance.now() > deadline) throw new OperatorError('No signing key was created within a minute.');
    if (!isDone) await sleep(pollMs);
  }
}
