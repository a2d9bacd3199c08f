import { hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PasskeyPolicy } from '../../src/config/accounts/passkeys.ts';
import { verifyAuthentication } from '../../src/factors/passkeys/authentication.ts';
import { verifyRegistration } from '../../src/factors/passkeys/registration.ts';
import { startApi } from '../support/api.ts';

/**
 * The test vectors of WebAuthn Level 3, section 16, of all its examples, with their byte strings in base64url. Attested
 * ones have a prefix of `none`, `packed` and so on.
 */
type Vector = {
  name: string;
  registration: { challenge: string; credentialId: string; clientDataJSON: string; attestationObject: string };
  authentication: { challenge: string; authenticatorData: string; clientDataJSON: string; signature: string };
};

const vectors: Vector[] = JSON.parse(readFileSync('test/fixtures/webauthn-vectors.json', 'utf8'));
const unsupported = ['packed.ES384', 'packed.ES512', 'packed.Ed448'];
const supported = vectors.filter(({ name }) => !unsupported.includes(name));

const policy: PasskeyPolicy = {
  rpId: 'example.org',
  origins: new Set(['https://example.org', 'https://example.com']),
  relatedOrigins: ['https://example.com'],
};

function credentialOf({ credentialId: id }: Vector['registration'], response: object) {
  return { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response };
}

function register({ registration }: Vector) {
  const expected = { challenge: registration.challenge, isConditional: false };
  return verifyRegistration(credentialOf(registration, registration), expected, policy);
}

describe('test vectors of WebAuthn Level 3', () => {
  it('are those of the specification: derived from its key material', () => {
    expect(vectors).toHaveLength(15);
    for (const { name, registration } of vectors) {
      const length = Buffer.from(registration.challenge, 'base64url').length;
      const derived = hkdfSync('sha256', 'WebAuthn test vectors', Buffer.of(0), name, length);
      expect(Buffer.from(derived).toString('base64url')).toBe(registration.challenge);
    }
  });

  it.each(supported.map((vector) => [vector.name, vector] as const))('%s is accepted', async (name, vector) => {
    if (name === 'none.ES256.crossOrigin') {
      // In a frame, and it does not tell of which page.
      await expect(register(vector)).rejects.toMatchObject({ reason: 'WRONG_ORIGIN' });
      return;
    }
    const { passkey } = await register(vector);
    expect(passkey.credentialId).toBe(vector.registration.credentialId);
    const api = await startApi();
    await api.signUp('ada@example.com');
    const { id: userId } = await api.database.user.findFirstOrThrow();
    const row = { ...passkey, userId, userHandle: 'handle', name: null, createdAt: api.clock.now };
    await api.database.passkey.create({ data: row });
    const { authentication } = vector;
    const expected = { challenge: authentication.challenge, userId, requiresVerification: false };
    const answer = credentialOf(vector.registration, authentication);
    expect(await verifyAuthentication(api.database, answer, expected, policy)).toMatchObject({ user: { id: userId } });
    const changed = { ...answer, response: { ...authentication, signature: flipped(authentication.signature) } };
    await expect(verifyAuthentication(api.database, changed, expected, policy)).rejects.toMatchObject({
      code: 'PASSKEY_REJECTED',
    });
  });

  it.each(unsupported)('%s has an algorithm that this server does not ask for', async (name) => {
    const vector = vectors.find((one) => one.name === name);
    await expect(vector && register(vector)).rejects.toMatchObject({ reason: 'UNSUPPORTED_ALGORITHM' });
  });
});

/** Returns a signature with another last byte. */
function flipped(signature: string): string {
  const bytes = Buffer.from(signature, 'base64url');
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  return bytes.toString('base64url');
}
