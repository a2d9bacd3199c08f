/** A software authenticator (WebAuthn Level 3 section 6) with its browser. It keeps its passkeys in memory. */
import { generateKeyPairSync, hash, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A value in CBOR (RFC 8949): as little of it as WebAuthn needs. */
export type Cbor = number | string | Uint8Array | Map<number | string, Cbor>;

function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 256) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 0xff]);
}

export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  return Buffer.concat([head(5, value.size), ...[...value].flatMap((pair) => pair.map(cbor))]);
}

/** A passkey of the authenticator. */
export type Credential = {
  id: Buffer;
  rpId: string;
  userHandle: string;
  privateKey: KeyObject;
  counter: number;
};

/** How an answer differs from that of an honest browser and device. */
export type Deviation = {
  origin?: string;
  topOrigin?: string;
  rpId?: string;
  challenge?: string;
  /** Whether the device verifies its user. True by default. */
  isVerified?: boolean;
  isPresent?: boolean;
  /** The counter of the answer. By default, there is none: it is 0. */
  counter?: number;
  userHandle?: string | null;
  id?: Buffer;
};

// biome-ignore lint/suspicious/noExplicitAny: the options of the server are JSON, known to the test
type Options = any;

const bits = { present: 0x01, verified: 0x04, backupEligible: 0x08, backedUp: 0x10, attested: 0x40 };

export class Authenticator {
  readonly credentials: Credential[] = [];
  readonly #origin: string;

  /** @param origin - that of the page in its browser */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Returns a copy, as a thief would have it. */
  clone(): Authenticator {
    const copy = new Authenticator(this.#origin);
    copy.credentials.push(...this.credentials.map((credential) => ({ ...credential })));
    return copy;
  }

  /** Makes a passkey: `navigator.credentials.create`. */
  create(options: Options, deviation: Deviation = {}) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const id = deviation.id ?? randomBytes(16);
    const credential = { id, rpId: options.rp.id, userHandle: options.user.id, privateKey, counter: 0 };
    this.credentials.push(credential);
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const key = new Map<number, Cbor>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x, 'base64url')],
      [-3, Buffer.from(y, 'base64url')],
    ]);
    const length = Buffer.from([id.length >> 8, id.length & 0xff]);
    const attested = Buffer.concat([Buffer.alloc(16), length, id, cbor(key)]);
    const authData = this.#authenticatorData(credential, deviation, attested);
    const object = new Map<string, Cbor>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', authData],
    ]);
    return this.#answer(id, {
      clientDataJSON: this.#clientData('webauthn.create', options, deviation),
      attestationObject: cbor(object).toString('base64url'),
      transports: ['internal'],
    });
  }

  /** Answers with a passkey: `navigator.credentials.get`. By default, with the one that was made last. */
  get(options: Options, deviation: Deviation = {}) {
    const credential = this.#find(options);
    const { counter = 0 } = deviation;
    credential.counter = counter;
    const authenticatorData = this.#authenticatorData(credential, deviation, Buffer.alloc(0));
    const clientDataJSON = this.#clientData('webauthn.get', options, deviation);
    const clientDataHash = hash('sha256', Buffer.from(clientDataJSON, 'base64url'), 'buffer');
    const signature = sign('sha256', Buffer.concat([authenticatorData, clientDataHash]), credential.privateKey);
    const { userHandle = credential.userHandle } = deviation;
    return this.#answer(deviation.id ?? credential.id, {
      clientDataJSON,
      authenticatorData: authenticatorData.toString('base64url'),
      signature: signature.toString('base64url'),
      ...(userHandle !== null && { userHandle }),
    });
  }

  #find({ rpId, allowCredentials }: Options): Credential {
    const ids = allowCredentials?.map(({ id }: { id: string }) => id);
    const usable = (one: Credential) => one.rpId === rpId && (ids?.includes(one.id.toString('base64url')) ?? true);
    const found = this.credentials.findLast(usable) ?? this.credentials.at(-1);
    if (!found) throw new Error('The authenticator has no passkey.');
    return found;
  }

  #authenticatorData({ rpId: own }: Credential, deviation: Deviation, attested: Buffer): Buffer {
    const { rpId = own, isPresent = true, isVerified = true, counter = 0 } = deviation;
    const flags =
      (isPresent ? bits.present : 0) |
      (isVerified ? bits.verified : 0) |
      bits.backupEligible |
      bits.backedUp |
      (attested.length > 0 ? bits.attested : 0);
    const fixed = Buffer.alloc(5);
    fixed.writeUInt8(flags, 0);
    fixed.writeUInt32BE(counter, 1);
    return Buffer.concat([hash('sha256', rpId, 'buffer'), fixed, attested]);
  }

  #clientData(
    type: string,
    options: Options,
    { challenge = options.challenge, origin = this.#origin, topOrigin }: Deviation,
  ) {
    const data = { type, challenge, origin, crossOrigin: topOrigin !== undefined, ...(topOrigin && { topOrigin }) };
    return Buffer.from(JSON.stringify(data)).toString('base64url');
  }

  #answer<Response>(id: Buffer, response: Response) {
    const text = id.toString('base64url');
    return { id: text, rawId: text, type: 'public-key', clientExtensionResults: {}, response };
  }
}
