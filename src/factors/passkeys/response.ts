/** Checks of the answers of passkeys, before any cryptography: their form, their size, and where they were made for. */
import { hash } from 'node:crypto';
import type { PasskeyPolicy } from '../../config/accounts/passkeys.ts';
import { PasskeyRejectedError } from '../../errors.ts';
import { isObject, parseObject } from '../../json.ts';

/**
 * The maximum lengths of the parts of an answer, in characters of base64url. A credential id has at most 1023 bytes
 * (WebAuthn Level 3 section 4), and a signature with RSA of 4096 bits 512.
 */
const maxLengths = {
  id: 1_364,
  clientDataJSON: 8_192,
  attestationObject: 16_384,
  authenticatorData: 8_192,
  signature: 1_024,
  userHandle: 86,
};

type Part = keyof typeof maxLengths;

const maxTransports = 8;

/** A new passkey, as a client sends it. */
export type RegistrationResponse = {
  id: string;
  clientDataJSON: string;
  attestationObject: string;
  /** The names of its transports, which only the browser of its device understands. */
  transports: string[];
};

/** The answer of a passkey to a challenge, as a client sends it. */
export type AuthenticationResponse = {
  id: string;
  clientDataJSON: string;
  authenticatorData: string;
  signature: string;
  /** Null if the authenticator sent none. */
  userHandle: string | null;
};

/** Reads a `RegistrationResponseJSON` (WebAuthn Level 3 section 5.1). @throws PasskeyRejectedError */
export function parseRegistrationResponse(value: unknown): RegistrationResponse {
  const { id, response } = requireCredential(value);
  const { transports } = response;
  const names = Array.isArray(transports) ? transports.slice(0, maxTransports) : [];
  return {
    id,
    clientDataJSON: requirePart(response, 'clientDataJSON'),
    attestationObject: requirePart(response, 'attestationObject'),
    transports: names.filter((name) => typeof name === 'string' && /^[a-z-]{1,20}$/.test(name)),
  };
}

/** Reads an `AuthenticationResponseJSON` (WebAuthn Level 3 section 5.1). @throws PasskeyRejectedError */
export function parseAuthenticationResponse(value: unknown): AuthenticationResponse {
  const { id, response } = requireCredential(value);
  return {
    id,
    clientDataJSON: requirePart(response, 'clientDataJSON'),
    authenticatorData: requirePart(response, 'authenticatorData'),
    signature: requirePart(response, 'signature'),
    userHandle: response.userHandle == null ? null : requirePart(response, 'userHandle'),
  };
}

function requireCredential(value: unknown): { id: string; response: Record<string, unknown> } {
  if (!isObject(value) || value.type !== 'public-key' || !isObject(value.response)) {
    throw new PasskeyRejectedError('MALFORMED');
  }
  const id = requirePart(value, 'id');
  if (value.rawId !== undefined && value.rawId !== id) throw new PasskeyRejectedError('MALFORMED');
  return { id, response: value.response };
}

function requirePart(from: Record<string, unknown>, part: Part): string {
  const value = from[part];
  const fits = typeof value === 'string' && value.length <= maxLengths[part];
  if (!fits || !/^[\w-]+$/.test(value)) throw new PasskeyRejectedError('MALFORMED');
  return value;
}

/** The operation that an answer must have been made for. */
export type ExpectedClientData = {
  type: 'webauthn.create' | 'webauthn.get';
  /** The WebAuthn challenge, in base64url. */
  challenge: string;
};

/**
 * Requires that a browser made an answer for this operation, on a page of the application. Such a page may be a frame in
 * another page of the application only.
 *
 * @throws PasskeyRejectedError
 */
export function requireClientData(
  clientDataJSON: string,
  expected: ExpectedClientData,
  { origins }: PasskeyPolicy,
): void {
  const data = parseObject(Buffer.from(clientDataJSON, 'base64url').toString());
  if (data?.type !== expected.type) throw new PasskeyRejectedError('MALFORMED');
  if (data.challenge !== expected.challenge) throw new PasskeyRejectedError('WRONG_CHALLENGE');
  const isFrame = data.crossOrigin === true || data.topOrigin != null;
  const pages = isFrame ? [data.origin, data.topOrigin] : [data.origin];
  if (!pages.every((origin) => typeof origin === 'string' && origins.has(origin))) {
    throw new PasskeyRejectedError('WRONG_ORIGIN');
  }
}

/** The fixed part of authenticator data (WebAuthn Level 3 section 6.1). */
export type AuthenticatorData = {
  /** Whether a person was there: touched the device, for example. */
  isPresent: boolean;
  /** Whether the device verified its user: by a PIN or a fingerprint. */
  isVerified: boolean;
  /** The signature counter. 0 if the authenticator has none. */
  counter: bigint;
};

const bits = { isPresent: 0x01, isVerified: 0x04 };

/** Reads authenticator data, which must be for the domain of this server. @throws PasskeyRejectedError */
export function requireAuthenticatorData(data: Uint8Array, { rpId }: PasskeyPolicy): AuthenticatorData {
  const bytes = Buffer.from(data);
  if (bytes.length < 37) throw new PasskeyRejectedError('MALFORMED');
  if (!bytes.subarray(0, 32).equals(hash('sha256', rpId, 'buffer'))) throw new PasskeyRejectedError('WRONG_RP_ID');
  const flags = bytes.readUInt8(32);
  return {
    isPresent: (flags & bits.isPresent) !== 0,
    isVerified: (flags & bits.isVerified) !== 0,
    counter: BigInt(bytes.readUInt32BE(33)),
  };
}
