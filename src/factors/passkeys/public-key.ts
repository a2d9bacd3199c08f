import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { PasskeyRejectedError } from '../../errors.ts';
import { loadDecoders } from './library.ts';

/** The algorithms that new passkeys may have, as registered for COSE: EdDSA, ES256 and RS256. The best comes first. */
export const supportedAlgorithms = [-8, -7, -257];

/** The lengths of RSA keys, in bytes: others are too weak, or take long to verify. */
const rsa = { minModulus: 256, maxModulus: 512, maxExponent: 4 };

/**
 * Requires a public key that this server can use: with an algorithm that it supports, and on its curve. A passkey with
 * another key would be stored, and never be accepted.
 *
 * @param publicKey - in the form of COSE (RFC 9052 section 7)
 * @throws PasskeyRejectedError
 */
export async function requireUsableKey(publicKey: Uint8Array<ArrayBuffer>): Promise<void> {
  const key = await toJwk(publicKey);
  if (key === null) throw new PasskeyRejectedError('UNSUPPORTED_ALGORITHM');
  try {
    createPublicKey({ key, format: 'jwk' });
  } catch {
    throw new PasskeyRejectedError('MALFORMED');
  }
}

async function toJwk(publicKey: Uint8Array<ArrayBuffer>): Promise<JsonWebKey | null> {
  const { cose, decodeCredentialPublicKey } = await loadDecoders();
  const { COSEALG, COSECRV, COSEKEYS, COSEKTY } = cose;
  // The library types each parameter by the type of the key, which is not known yet.
  const key = decode(() => decodeCredentialPublicKey(publicKey));
  if (!(key instanceof Map)) return null;
  const is = (parameter: number, value: number) => key.get(parameter) === value;
  const bytes = (parameter: number) => {
    const value: unknown = key.get(parameter);
    return value instanceof Uint8Array ? Buffer.from(value) : Buffer.alloc(0);
  };
  const text = (parameter: number) => bytes(parameter).toString('base64url');
  const { kty, alg, crv, x, y, n, e } = COSEKEYS;
  if (is(kty, COSEKTY.EC2) && is(alg, COSEALG.ES256) && is(crv, COSECRV.P256)) {
    return { kty: 'EC', crv: 'P-256', x: text(x), y: text(y) };
  }
  if (is(kty, COSEKTY.OKP) && is(alg, COSEALG.EdDSA) && is(crv, COSECRV.ED25519)) {
    return { kty: 'OKP', crv: 'Ed25519', x: text(x) };
  }
  const [modulus, exponent] = [bytes(n).length, bytes(e).length];
  const hasSize = modulus >= rsa.minModulus && modulus <= rsa.maxModulus && exponent <= rsa.maxExponent;
  if (is(kty, COSEKTY.RSA) && is(alg, COSEALG.RS256) && hasSize) return { kty: 'RSA', n: text(n), e: text(e) };
  return null;
}

/** Returns the decoded value, of a type that is not known yet. @throws PasskeyRejectedError */
function decode(decoder: () => unknown): unknown {
  try {
    return decoder();
  } catch {
    throw new PasskeyRejectedError('MALFORMED');
  }
}
