/** Authenticator apps: one-time passwords by time (TOTP, RFC 6238). */
import { Secret, TOTP } from 'otpauth';
import { renderSVG } from 'uqr';
import type { Db } from '../database/database.ts';
import { decrypt, encrypt, type SecretPlace } from '../encryption/encryption.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import { InvalidCredentialsError, OperatorError } from '../errors.ts';
import type { AuthenticatorApp } from '../generated/sqlite/client.ts';

/** The parameters that every app supports (RFC 6238 section 4). Many ignore others. */
export const totpParameters = { algorithm: 'SHA1', digits: 6, period: 30 } as const;

/** RFC 4226 section 4: at least 128 bits, better 160. */
const secretBytes = 20;

/** RFC 6238 section 5.2: one step before and after the current one, for clocks that differ. */
const drift = 1;

/** Creates a secret, in base32. */
export function createTotpSecret(): string {
  return new Secret({ size: secretBytes }).base32;
}

/** The forms in which an app reads a secret. */
export type TotpSetup = {
  /** The secret in base32, for typing. */
  secret: string;
  /** The `otpauth:` URI, for a link on the same device. */
  uri: string;
  /** The same URI as a QR code, an SVG image. */
  qrCode: string;
};

/** Returns a secret in the forms that apps read. @param account.label - the account, as its user knows it */
export function setupOf(secret: string, account: { issuer: string; label: string }): TotpSetup {
  const uri = new TOTP({ ...totpParameters, ...account, secret: Secret.fromBase32(secret) }).toString();
  return { secret, uri, qrCode: renderSVG(uri, { border: 2 }) };
}

/** Returns the number of the time step of a code, or null if the code is wrong. Spaces in it do not matter. */
export function stepOf(secret: string, code: string, now: Date): number | null {
  const token = code.replaceAll(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return null;
  const timestamp = now.getTime();
  const totp = new TOTP({ ...totpParameters, secret: Secret.fromBase32(secret) });
  const delta = totp.validate({ token, timestamp, window: drift });
  return delta === null ? null : totp.counter({ timestamp }) + delta;
}

/** Returns the place of the secret of a user's app, also while it is kept for an undo. */
export function placeOf(userId: bigint): SecretPlace {
  return { table: 'AuthenticatorApp', column: 'encryptedSecret', row: String(userId) };
}

/** Stores the app of a user, whose code of a time step was accepted. An app from before is replaced. */
export async function saveAuthenticatorApp(
  db: Db,
  keys: EncryptionKeys,
  { userId, secret, step }: { userId: bigint; secret: string; step: number },
  now: Date,
): Promise<void> {
  const row = { createdAt: now, encryptedSecret: encrypt(keys, secret, placeOf(userId)), lastUsedStep: step };
  await db.authenticatorApp.upsert({ where: { userId }, create: { userId, ...row }, update: row });
}

/** An app of another system: its user, and the secret in base32. */
export type AddedApp = { userId: bigint; secret: string };

/** Stores the apps of new users. No code from before this moment is accepted: another system may have accepted it. */
export async function addAuthenticatorApps(
  db: Db,
  keys: EncryptionKeys,
  apps: readonly AddedApp[],
  now: Date,
): Promise<void> {
  const lastUsedStep = new TOTP(totpParameters).counter({ timestamp: now.getTime() }) + drift;
  const data = apps.map(({ userId, secret }) => {
    return { userId, createdAt: now, encryptedSecret: encrypt(keys, secret, placeOf(userId)), lastUsedStep };
  });
  await db.authenticatorApp.createMany({ data });
}

/** Returns the secret of an app, in base32. @throws OperatorError if no encryption key decrypts it. */
export function secretOf(keys: EncryptionKeys | null, { userId, encryptedSecret }: AuthenticatorApp): string {
  if (keys !== null) return decrypt(keys, encryptedSecret, placeOf(userId));
  throw new OperatorError('ENCRYPTION_KEYS is not set, but users have authenticator apps, whose secrets it encrypts.');
}

/**
 * Accepts a code of the app of a user once (RFC 6238 section 5.2): of several requests with one code, one succeeds.
 *
 * @throws InvalidCredentialsError alike for a wrong code, one that was used, and a user without an app.
 * @throws OperatorError if no encryption key decrypts the secret. A right code must not be called wrong then.
 */
export async function redeemTotpCode(
  db: Db,
  keys: EncryptionKeys | null,
  { userId, code }: { userId: bigint; code: string },
  now: Date,
): Promise<void> {
  const app = await db.authenticatorApp.findUnique({ where: { userId } });
  const step = stepOf(app === null ? createTotpSecret() : secretOf(keys, app), code, now);
  if (app === null || step === null) throw wrongCode();
  // Not the ciphertext: a rotation of the encryption keys may replace it meanwhile. An app that replaces this one has
  // another time of creation.
  const where = { userId, createdAt: app.createdAt, lastUsedStep: { lt: step } };
  const { count } = await db.authenticatorApp.updateMany({ where, data: { lastUsedStep: step } });
  if (count === 0) throw wrongCode();
}

/** Returns the refusal of a code. It does not tell whether the code is wrong or was used. */
export function wrongCode(): InvalidCredentialsError {
  return new InvalidCredentialsError('This code is wrong, or was used already. Wait for the next one.');
}
