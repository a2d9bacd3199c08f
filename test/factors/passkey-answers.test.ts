import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { PasskeyPolicy } from '../../src/config/accounts/passkeys.ts';
import { verifyRegistration } from '../../src/factors/passkeys/registration.ts';
import { parseAuthenticationResponse } from '../../src/factors/passkeys/response.ts';
import { Authenticator, type Cbor, cbor } from '../support/authenticator.ts';

const origin = 'https://app.example.com';
const policy: PasskeyPolicy = { rpId: 'example.com', origins: new Set([origin]), relatedOrigins: [] };
const challenge = Buffer.alloc(32, 1).toString('base64url');
const options = { rp: { id: 'example.com' }, user: { id: 'handle' }, challenge };
const malformed = { code: 'PASSKEY_REJECTED', reason: 'MALFORMED' };

const verify = (response: unknown) => verifyRegistration(response, { challenge, isConditional: false }, policy);

/** Returns a new passkey whose attestation object is another one. */
function withAttestation(attestationObject: Buffer) {
  const made = new Authenticator(origin).create(options);
  return { ...made, response: { ...made.response, attestationObject: attestationObject.toString('base64url') } };
}

/** Returns the attestation object of a new passkey, with its authenticator data changed. */
function attestationWith(change: (data: Buffer) => Buffer): Buffer {
  const { attestationObject } = new Authenticator(origin).create(options).response;
  const object = Buffer.from(attestationObject, 'base64url');
  const at = object.indexOf('authData') + 'authData'.length + 2;
  return cbor(
    new Map<string, Cbor>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', change(object.subarray(at))],
    ]),
  );
}

/** Returns a new passkey under the id in its data. */
function sameId(made: ReturnType<Authenticator['create']>) {
  const object = Buffer.from(made.response.attestationObject, 'base64url');
  const at = object.indexOf('authData') + 'authData'.length + (object.length > 300 ? 3 : 2) + 37 + 18;
  const id = object.subarray(at, at + 16).toString('base64url');
  return { ...made, id, rawId: id };
}

describe('answer of a passkey', () => {
  it.each([null, 'text', 7, [], {}, { type: 'public-key' }, { type: 'public-key', id: 'a', response: [] }])(
    'of another form is refused: %j',
    async (response) => {
      await expect(verify(response)).rejects.toMatchObject(malformed);
      expect(() => parseAuthenticationResponse(response)).toThrow(expect.objectContaining(malformed));
    },
  );

  it.each([
    ['id', 1_365],
    ['clientDataJSON', 8_193],
    ['authenticatorData', 8_193],
    ['signature', 1_025],
    ['userHandle', 87],
  ])('has a %s of a limited length', (part, length) => {
    const parts = { clientDataJSON: 'a', authenticatorData: 'a', signature: 'a', userHandle: 'a' };
    const answer = { type: 'public-key', id: 'a', response: parts };
    expect(parseAuthenticationResponse(answer)).toMatchObject(parts);
    const long = 'a'.repeat(length);
    const changed = part === 'id' ? { ...answer, id: long } : { ...answer, response: { ...parts, [part]: long } };
    expect(() => parseAuthenticationResponse(changed)).toThrow(expect.objectContaining(malformed));
  });

  it('takes what the browser sends, and nothing else of it', async () => {
    const made = new Authenticator(origin).create(options);
    const response = { ...made.response, transports: ['internal', 'hybrid', '<script>', 7] };
    const { passkey, isVerified } = await verify({ ...made, response, authenticatorAttachment: 'platform' });
    expect(passkey).toMatchObject({ credentialId: made.id, transports: 'internal hybrid', counter: 0n });
    expect(isVerified).toBe(true);
  });

  const bombs: [string, Buffer][] = [
    ['lists in lists', Buffer.alloc(12_000, 0x81)],
    ['tags of tags', Buffer.alloc(12_000, 0xc1)],
    ['a list of 2^32 items', Buffer.from('9affffffff00', 'hex')],
    ['a map of 2^53 pairs', Buffer.from('bb001fffffffffffff0000', 'hex')],
    ['a text of 2^32 bytes', Buffer.from('7affffffff', 'hex')],
    ['no map', cbor('text')],
    ['a map without data', cbor(new Map([['fmt', 'none']]))],
    ['data of 36 bytes', cbor(new Map<string, Cbor>([['authData', Buffer.alloc(36)]]))],
    ['nothing', Buffer.alloc(1)],
  ];
  it.each(bombs)('survives an attestation object that is %s', async (_name, object) => {
    await expect(verify(withAttestation(object))).rejects.toMatchObject(malformed);
  });

  it('survives extensions that are lists in lists, and data that is cut off', async () => {
    const extended = attestationWith((data) => {
      const flagged = Buffer.concat([data, Buffer.alloc(6_000, 0x81)]);
      flagged.writeUInt8(flagged.readUInt8(32) | 0x80, 32);
      return flagged;
    });
    await expect(verify(sameId(withAttestation(extended)))).rejects.toMatchObject(malformed);
    for (const length of [37, 54, 80, 100]) {
      const cut = attestationWith((data) => data.subarray(0, length));
      await expect(verify(withAttestation(cut))).rejects.toMatchObject(malformed);
    }
  });

  it('must name the passkey as its data does', async () => {
    const made = new Authenticator(origin).create(options);
    const id = Buffer.alloc(16, 1).toString('base64url');
    await expect(verify({ ...made, id, rawId: id })).rejects.toMatchObject(malformed);
  });
});

/** Returns a new passkey with another public key. */
function withKey(key: [number, Cbor][]) {
  return sameId(
    withAttestation(attestationWith((data) => Buffer.concat([data.subarray(0, 37 + 18 + 16), cbor(new Map(key))]))),
  );
}

const coordinate = Buffer.alloc(32, 3);
const rsaKey = (modulus: Buffer, exponent: Buffer): [number, Cbor][] => [
  [1, 3],
  [3, -257],
  [-1, modulus],
  [-2, exponent],
];
const exponent = Buffer.from([1, 0, 1]);

describe('public key of a passkey', () => {
  it.each<[string, [number, Cbor][], string]>([
    [
      'on another curve',
      [
        [1, 2],
        [3, -7],
        [-1, 2],
        [-2, coordinate],
        [-3, coordinate],
      ],
      'UNSUPPORTED_ALGORITHM',
    ],
    [
      'off its curve',
      [
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, coordinate],
        [-3, coordinate],
      ],
      'MALFORMED',
    ],
    [
      'of an unknown type',
      [
        [1, 9],
        [3, -7],
      ],
      'UNSUPPORTED_ALGORITHM',
    ],
    ['with RSA of 1024 bits', rsaKey(Buffer.alloc(128, 0xff), exponent), 'UNSUPPORTED_ALGORITHM'],
    ['with RSA of 16384 bits', rsaKey(Buffer.alloc(2_048, 0xff), exponent), 'UNSUPPORTED_ALGORITHM'],
    ['with a large exponent', rsaKey(Buffer.alloc(256, 0xff), Buffer.alloc(256, 0xff)), 'UNSUPPORTED_ALGORITHM'],
  ])('is refused %s', async (_name, key, reason) => {
    await expect(verify(withKey(key))).rejects.toMatchObject({ code: 'PASSKEY_REJECTED', reason });
  });

  it('may be one of Ed25519 or RSA', async () => {
    const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
    const ed25519 = withKey([
      [1, 1],
      [3, -8],
      [-1, 6],
      [-2, Buffer.from(x, 'base64url')],
    ]);
    const { n = '' } = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey.export({ format: 'jwk' });
    const rsa = withKey(rsaKey(Buffer.from(n, 'base64url'), exponent));
    for (const response of [ed25519, rsa]) expect(await verify(response)).toMatchObject({ isVerified: true });
  });
});
