import { PasskeyRejectedError } from '../../errors.ts';
import { loadDecoders } from './library.ts';
import { bytesOf } from './passkey.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Returns the authenticator data of an attestation object, which is in base64url. @throws PasskeyRejectedError */
export async function authenticatorDataOf(attestationObject: string): Promise<Bytes> {
  const { decodeAttestationObject } = await loadDecoders();
  const data = attempt(() => decodeAttestationObject(bytesOf(attestationObject)).get('authData'));
  if (!(data instanceof Uint8Array)) throw new PasskeyRejectedError('MALFORMED');
  return data;
}

/** Returns the public key in authenticator data, in the form of COSE. @throws PasskeyRejectedError */
export async function publicKeyOf(data: Bytes): Promise<Bytes> {
  const { parseAuthenticatorData } = await loadDecoders();
  const key = attempt(() => parseAuthenticatorData(data).credentialPublicKey);
  if (key === undefined) throw new PasskeyRejectedError('MALFORMED');
  return key;
}

/** Runs a decoder. Data may be nested so deeply that it gives up; the size of an answer bounds its work. */
function attempt<T>(decode: () => T): T {
  try {
    return decode();
  } catch {
    throw new PasskeyRejectedError('MALFORMED');
  }
}

/** `{"fmt": "none", "attStmt": {}, "authData": …}` in CBOR, up to the length of the data, which has two bytes. */
const prefix = Buffer.from('a363666d74646e6f6e656761747453746d74a068617574684461746159', 'hex');

/**
 * Returns an attestation object without attestation. Some authenticators send one although nobody asked. Browsers
 * remove it (WebAuthn Level 3 section 5.1.3), and here no code reads certificates of strangers.
 */
export function withoutAttestation(data: Bytes): Bytes {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(data.length);
  return new Uint8Array(Buffer.concat([prefix, length, data]));
}
