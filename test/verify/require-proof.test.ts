import { describe, expect, it } from 'vitest';
import { levelOf as serverLevelOf } from '../../src/sessions/assurance/level.ts';
import { authenticationMethods } from '../../src/sessions/proof.ts';
import { levelOf } from '../../src/verify/assurance/level.ts';
import { requireProof } from '../../src/verify/assurance/require-proof.ts';
import { Refusal } from '../../src/verify/errors.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import { password } from '../support/api.ts';
import { addApp, encryptionKeys } from '../support/second-factor.ts';
import { startVerifyingServer } from '../support/verify.ts';

const minute = 60_000;

async function setUp() {
  const server = await startVerifyingServer({ encryptionKeys });
  const ada = await server.api.signUp('ada@example.com');
  return { ...server, ada, ...createVerifier(server.options) };
}

describe('requireProof of the client library', () => {
  it('counts recent proofs together, as the server does', async () => {
    const { api, ada, verify } = await setUp();
    const start = api.clock.now;
    await addApp(api, ada);
    const ask = async (minutes: number, level: 1 | 2) => {
      const refusal = requireProof(await verify(ada.headers()), { withinSeconds: minutes * 60, level }, api.clock.now);
      return refusal?.status ?? null;
    };
    api.clock.now = new Date(start.getTime() + 10 * minute);
    expect([await ask(11, 2), await ask(9, 2), await ask(9, 1)]).toEqual([null, 401, 401]);
    await ada.act('reauthenticate', { password });
    expect([await ask(11, 2), await ask(9, 2), await ask(9, 1)]).toEqual([null, 401, null]);
    const auth = await verify(ada.headers());
    expect(auth?.user && auth.session).toMatchObject({
      acr: 'aal2',
      amr: ['pwd', 'otp', 'mfa'],
      authenticatedAt: new Date(Math.floor(start.getTime() / 1_000) * 1_000),
      proofs: [{ method: 'password' }, { method: 'totp' }],
    });
  });

  it('returns the answer of RFC 9470, which frameworks send', async () => {
    const { ada, verify } = await setUp();
    const auth = await verify(ada.headers());
    const refusal = requireProof(auth, { withinSeconds: 300, level: 2 });
    expect(refusal).toBeInstanceOf(Refusal);
    const response = refusal?.getResponse();
    expect([response?.status, response?.headers.get('www-authenticate'), await response?.text()]).toEqual([
      401,
      'Bearer error="insufficient_user_authentication", error_description="Prove two factors again, then retry.", ' +
        'acr_values="aal2", max_age="300"',
      'Prove two factors again, then retry.',
    ]);
    const old = requireProof(auth, { withinSeconds: 60, level: 1 }, new Date(Date.now() + 61 * minute));
    expect(old?.headers['www-authenticate']).toContain('acr_values="aal1", max_age="60"');
  });

  it('asks for a login without a user', async () => {
    const { api, verify } = await setUp();
    const visitor = api.client();
    await visitor.ask('mutation { startSession { session { id } } }');
    for (const auth of [null, await verify(visitor.headers())]) {
      expect(requireProof(auth, { withinSeconds: 300, level: 1 })).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer' },
      });
    }
  });

  it('never passes a requirement that is none, as from a program without types', async () => {
    const { ada, verify } = await setUp();
    const auth = await verify(ada.headers());
    for (const requirement of [{}, { withinSeconds: 300 }, { level: 1 }, { withinSeconds: Number.NaN, level: 1 }]) {
      expect(requireProof(auth, requirement as never)?.status).toBe(401);
    }
  });

  it('computes the level of all sets of methods as the server does', () => {
    for (let set = 0; set < 2 ** authenticationMethods.length; set += 1) {
      const methods = authenticationMethods.filter((_, bit) => set & (1 << bit));
      expect([methods, levelOf(methods)]).toEqual([methods, serverLevelOf(methods) ?? 0]);
    }
  });
});
