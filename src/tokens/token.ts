import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** NIST SP 800-63B-4 asks for 64 random bits in a session secret, OWASP ASVS for 128. */
const secretBytes = 32;
const handleBytes = 16;

export type NewToken = {
  /** The secret that the client keeps. The server returns it once and never stores it. */
  token: string;
  handle: string;
  hashedToken: string;
};

/**
 * The prefixes by which scanners for leaked secrets recognize ours: `gqs_` for session tokens, `gqk_` for the secrets of
 * service clients. Session tokens of earlier versions have none, and stay valid. Links and device tokens have none.
 */
type Prefix = 'gqs_' | 'gqk_' | '';

/** Creates a token for a link or a device: a handle, which finds the row, and 256 random bits, which prove ownership. */
export function createToken(): NewToken {
  return newToken('', randomHandle());
}

/** Creates the token of a session. */
export function createSessionToken(handle: string = randomHandle()): NewToken {
  return newToken('gqs_', handle);
}

/** Creates a secret of a service client. Its handle is the client id. */
export function createServiceSecret(clientId: string = randomHandle()): NewToken {
  return newToken('gqk_', clientId);
}

function randomHandle(): string {
  return randomBytes(handleBytes).toString('hex');
}

function newToken(prefix: Prefix, handle: string): NewToken {
  const token = `${prefix}${handle}.${randomBytes(secretBytes).toString('base64url')}`;
  return { token, handle, hashedToken: hashToken(token) };
}

/** Returns the SHA-256 of a token in lower-case hex. A random secret needs no slow hash: it cannot be guessed. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/** Returns the handle in a token, or null for a text of another form. */
export function handleOf(token: string): string | null {
  return /^(?:gq[sk]_)?([0-9a-f]{32})\.[A-Za-z0-9_-]{43}$/.exec(token)?.[1] ?? null;
}

/** Returns whether a text has the form of our handles, such as a client id. */
export function isHandle(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * Returns the handle that a session goes by once its token is rotated: its own or, where that is not of our form, one
 * that is. That one is derived by SHA-256, so that a token with the old handle still leads to the session.
 */
export function ownHandleOf(handle: string): string {
  return isHandle(handle) ? handle : hash('sha256', handle, 'hex').slice(0, 2 * handleBytes);
}

/**
 * Derives the anti-CSRF token of a session from the session token that came with the cookie: an HMAC (RFC 2104), keyed
 * with the 256 random bits of the token. It is stored nowhere, and does not reveal the session token.
 */
export function deriveAntiCSRFToken(token: string): string {
  return createHmac('sha256', token).update('anti-csrf').digest('base64url');
}

/** Creates the key of a trusted service. The operator configures its SHA-256 (`hashToken`). */
export function createServiceKey(): string {
  return randomBytes(secretBytes).toString('base64url');
}

/** Compares two secrets in constant time. A missing or empty one equals nothing. */
export function equalSecrets(given: string | null | undefined, expected: string | null | undefined): boolean {
  if (!given || !expected) return false;
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  // The length of a secret is not secret.
  return one.length === other.length && timingSafeEqual(one, other);
}
