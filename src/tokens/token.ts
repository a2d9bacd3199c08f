import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** NIST SP 800-63B-4 asks for 64 random bits in a session secret, OWASP ASVS for 128. */
const secretBytes = 32;
const handleBytes = 16;

export type NewToken = {
  /** The secret, as its client keeps it. It is given once and never stored. */
  token: string;
  handle: string;
  hashedToken: string;
};

/** A token: the session's handle, by which its row is found, and 256 random bits, which prove that it is the client's. */
export function createToken(handle: string = randomBytes(handleBytes).toString('hex')): NewToken {
  const token = `${handle}.${randomBytes(secretBytes).toString('base64url')}`;
  return { token, handle, hashedToken: hashToken(token) };
}

/** SHA-256, in lower-case hex, of the token's text. A random secret needs no slow hash: it cannot be guessed. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/** The handle that a token carries, or null if it is not shaped like a token. */
export function handleOf(token: string): string | null {
  return /^([0-9a-f]{32})\.[A-Za-z0-9_-]{43}$/.exec(token)?.[1] ?? null;
}

/**
 * Returns the handle that a session goes by once its token is rotated: its own or, where that is not of our form, one
 * that is. That one is derived by SHA-256, so that a token with the old handle still leads to the session.
 */
export function ownHandleOf(handle: string): string {
  return /^[0-9a-f]{32}$/.test(handle) ? handle : hash('sha256', handle, 'hex').slice(0, 2 * handleBytes);
}

/**
 * Derives the anti-CSRF token of a session from the session token that came with the cookie: an HMAC (RFC 2104), keyed
 * with the 256 random bits of the token. So it is stored nowhere, and does not give the session token away.
 */
export function deriveAntiCSRFToken(token: string): string {
  return createHmac('sha256', token).update('anti-csrf').digest('base64url');
}

/** By what a trusted service is known. Its SHA-256 (`hashToken`) is what the operator configures. */
export function createServiceKey(): string {
  return randomBytes(secretBytes).toString('base64url');
}

/** Compares two secrets in a time that tells nothing about them. A missing or empty one equals nothing. */
export function equalSecrets(given: string | null | undefined, expected: string | null | undefined): boolean {
  if (!given || !expected) return false;
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  // How long a secret is, is none.
  return one.length === other.length && timingSafeEqual(one, other);
}
