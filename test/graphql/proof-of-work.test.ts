import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/web/pbkdf2';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/front-door.ts';
import { Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';

const email = 'ada@example.com';
const wrong = 'not the right password';
const isWrong = { code: 'INVALID_CREDENTIALS' };
const isRequired = { __typename: 'ProofOfWorkRequiredError', code: 'PROOF_OF_WORK_REQUIRED' };

/** Asks for work after two failed attempts, at a cost of a few milliseconds. */
const captcha = { after: 2, cost: 1 };

const start = (settings: Settings = {}) => startApi({ captcha, attempts: { perAccount: 50 }, ...settings });

function from(api: TestApi, address: string, client = api.client()): Client {
  return Object.assign(client, { address });
}

async function login(
  client: Client,
  secret: string,
  proofOfWork: string | null = null,
  address = email,
): Promise<Data> {
  const mutation = `mutation ($email: String!, $password: String!, $proofOfWork: String) {
    login(email: $email, password: $password, transport: BEARER, proofOfWork: $proofOfWork) {
      __typename ... on UserError { code } ... on ProofOfWorkRequiredError { puzzle } } }`;
  return (await client.ask(mutation, { email: address, password: secret, proofOfWork })).login;
}

/** Lets an address fail until work is asked for, and returns the puzzle. */
async function exhaust(client: Client): Promise<Challenge> {
  for (let time = 0; time < captcha.after; time += 1) expect(await login(client, wrong)).toMatchObject(isWrong);
  const refused = await login(client, wrong);
  expect(refused).toMatchObject(isRequired);
  return refused.puzzle;
}

/** Solves a challenge as the widget does, and returns the argument for the mutation. */
async function solve(challenge: Challenge): Promise<string> {
  const solution = await solveChallenge({ challenge, deriveKey });
  return btoa(JSON.stringify({ challenge, solution }));
}

describe('proof of work', () => {
  it('is asked for after failed attempts from an address, and lets the client try again', async () => {
    const api = await start();
    await api.signUp(email);
    const eve = from(api, '203.0.113.1');
    const challenge = await exhaust(eve);
    expect(challenge.parameters).toMatchObject({ algorithm: 'PBKDF2/SHA-256', cost: 1, keyPrefix: '00' });
    expect(await login(eve, wrong, await solve(challenge))).toMatchObject(isWrong);
    const { puzzle: next } = await login(eve, password);
    expect(await login(eve, password, await solve(next))).toMatchObject({ __typename: 'SignInPayload' });
    expect(await login(from(api, '203.0.113.2'), wrong)).toMatchObject(isWrong);
  });

  it('works once, also of many requests at once', async () => {
    const api = await start();
    await api.signUp(email);
    const eve = from(api, '203.0.113.1');
    const solution = await solve(await exhaust(eve));
    const results = await Promise.all(
      Array.from({ length: 5 }, () => login(from(api, '203.0.113.1'), wrong, solution)),
    );
    expect(results.map(({ code }) => code).sort()).toEqual([
      'INVALID_CREDENTIALS',
      ...Array(4).fill('PROOF_OF_WORK_REQUIRED'),
    ]);
  });

  it('works for five minutes, from the network that it was made for', async () => {
    const api = await start();
    await api.signUp(email);
    const eve = from(api, '2001:db8::1');
    const solution = await solve(await exhaust(eve));
    const other = from(api, '2001:db8:0:1::1');
    await exhaust(other);
    expect(await login(other, wrong, solution)).toMatchObject(isRequired);
    expect(await login(from(api, '2001:db8::2'), wrong, solution)).toMatchObject(isWrong);
    const { puzzle: challenge } = await login(eve, wrong);
    const late = await solve(challenge);
    api.clock.now = new Date(api.clock.now.getTime() + 5 * 60_000);
    expect(await login(eve, wrong, late)).toMatchObject(isRequired);
  });

  it('is refused if it is not the solution of a puzzle of this server', async () => {
    const api = await start();
    await api.signUp(email);
    const eve = from(api, '203.0.113.1');
    const challenge = await exhaust(eve);
    const { solution } = JSON.parse(atob(await solve(challenge)));
    const encode = (payload: unknown) => btoa(JSON.stringify(payload));
    const easier = { ...challenge, parameters: { ...challenge.parameters, keyPrefix: '0' } };
    const { signature: _, ...unsigned } = challenge;
    const forgeries = [
      '',
      'no base64 €',
      'x'.repeat(60_000),
      encode(null),
      encode([]),
      encode({ challenge: 1, solution: 1 }),
      encode({ challenge, solution: {} }),
      encode({ challenge: unsigned, solution }),
      encode({ challenge: easier, solution }),
      encode({ challenge: { ...challenge, signature: '00' }, solution }),
      encode({ challenge, solution: { ...solution, counter: solution.counter + 1 } }),
      encode({ challenge, solution: { ...solution, counter: -1 } }),
      encode({ challenge, solution: { ...solution, derivedKey: `00${'11'.repeat(31)}` } }),
    ];
    for (const forgery of forgeries)
      expect(await login(eve, wrong, forgery), forgery.slice(0, 50)).toMatchObject(isRequired);
    expect(await login(eve, wrong, encode({ challenge, solution }))).toMatchObject(isWrong);
    expect(api.reported).toEqual([]);
  });

  it('lets an address give a limited number of wrong solutions, each of which derives a key, also at once', async () => {
    const api = await start({ attempts: { perAccount: 50, perAddress: 5 } });
    await api.signUp(email);
    const eve = from(api, '203.0.113.1');
    const right = await solve(await exhaust(eve));
    const { challenge, solution } = JSON.parse(atob(right));
    const encode = (payload: unknown) => btoa(JSON.stringify(payload));
    const answer = encode({ challenge, solution: { ...solution, counter: solution.counter + 1 } });
    const forgery = encode({ challenge: { ...challenge, signature: '00' }, solution });
    const count = () => api.database.rateLimit.findFirst({ where: { key: { startsWith: 'proofs-of-work:' } } });
    // What derives no key is not counted, and neither is the right solution.
    for (let time = 0; time < 6; time += 1) expect(await login(eve, wrong, forgery)).toMatchObject(isRequired);
    expect(await count()).toBeNull();
    expect(await login(eve, wrong, right)).toMatchObject(isWrong);
    expect((await count())?.points).toBe(0);
    const results = await Promise.all(Array.from({ length: 12 }, () => login(from(api, '203.0.113.1'), wrong, answer)));
    expect(results.map(({ code }) => code).sort()).toEqual([
      ...Array(5).fill('PROOF_OF_WORK_REQUIRED'),
      ...Array(7).fill('RATE_LIMITED'),
    ]);
    const other = from(api, '203.0.113.2');
    expect(await login(other, wrong, await solve(await exhaust(other)))).toMatchObject(isWrong);
    api.clock.now = new Date(api.clock.now.getTime() + 15 * 60_000);
    expect(await login(eve, wrong, await solve(await exhaust(eve)))).toMatchObject(isWrong);
  });

  it('costs a read for a refusal, hashes nothing, and stores nothing', async () => {
    const api = await start();
    await api.signUp(email);
    const eve = from(api, '203.0.113.1');
    await exhaust(eve);
    const before = await api.database.rateLimit.findMany();
    api.statements.length = 0;
    expect(await login(eve, password)).toMatchObject(isRequired);
    expect(api.statements).toHaveLength(1);
    expect(await api.database.rateLimit.findMany()).toEqual(before);
  });

  it('costs no statement for a login that needs none', async () => {
    const counts = [];
    for (const after of [0, 20]) {
      const api = await start({ captcha: { after, cost: 1 } });
      await api.signUp(email);
      const ada = from(api, '203.0.113.1');
      api.statements.length = 0;
      await login(ada, password, 'a solution that nobody asked for');
      counts.push(api.statements.length);
    }
    expect(counts[0]).toBe(counts[1]);
  });

  it('is asked for of concurrent attempts too', async () => {
    const api = await start();
    await api.signUp(email);
    const results = await Promise.all(Array.from({ length: 12 }, () => login(from(api, '203.0.113.1'), wrong)));
    expect(results.filter(({ code }) => code === 'INVALID_CREDENTIALS').length).toBeLessThanOrEqual(captcha.after);
    expect(results.filter(({ code }) => code === 'PROOF_OF_WORK_REQUIRED').length).toBeGreaterThanOrEqual(10);
  });

  it('is asked for alike whether or not there is an account', async () => {
    const api = await start();
    await api.signUp(email);
    const eve = from(api, '203.0.113.1');
    await exhaust(eve);
    const shapes = [];
    for (const address of [email, 'nobody@example.com']) {
      api.statements.length = 0;
      const { puzzle, ...refusal } = await login(eve, wrong, null, address);
      shapes.push({ refusal, names: Object.keys(puzzle.parameters), statements: [...api.statements] });
    }
    expect(shapes[0]).toEqual(shapes[1]);
  });

  it('is not asked for on a trusted device of the account', async () => {
    const api = await start();
    const ada = await api.signUp(email, 'BEARER');
    const eve = from(api, '203.0.113.1');
    await exhaust(eve);
    const trusted = from(api, '203.0.113.1', Object.assign(api.client(), { deviceToken: ada.deviceToken }));
    expect(await login(trusted, wrong)).toMatchObject(isWrong);
    expect(await login(trusted, password)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await login(trusted, wrong, null, 'nobody@example.com')).toMatchObject(isRequired);
  });

  it('is never asked for with CAPTCHA_AFTER=0, or where the address is unknown', async () => {
    const off = await start({ captcha: { after: 0, cost: 1 } });
    const api = await start();
    for (const client of [from(off, '203.0.113.1'), api.client()]) {
      for (let time = 0; time < 5; time += 1) expect(await login(client, wrong)).toMatchObject(isWrong);
    }
  });

  it.each([true, false])('is accepted by another server with the same encryption keys: %s', async (isShared) => {
    const [keys, others] = [encryptionKeysOf(), encryptionKeysOf()];
    const api = await start({ encryptionKeys: keys });
    await api.signUp(email);
    const challenge = await exhaust(from(api, '203.0.113.1'));
    // The second server is about to replace its keys: it has the new one first.
    const config = {
      ...api.config,
      encryptionKeys: isShared ? ([...others, ...keys] as unknown as typeof keys) : others,
    };
    const app = createApp({ ...api, config, report: () => {}, now: () => api.clock.now });
    const client = Object.assign(new Client(app, config.publicUrl), { address: '203.0.113.1' });
    expect(await login(client, wrong, await solve(challenge))).toMatchObject(isShared ? isWrong : isRequired);
  });
});

describe('proof of work of other mutations', () => {
  it('is asked for by signUp, before the hash', async () => {
    const api = await start();
    await api.signUp(email);
    const eve = from(api, '203.0.113.1');
    await exhaust(eve);
    const signUp = async (proofOfWork: string | null): Promise<Data> => {
      const mutation = `mutation ($password: String!, $proofOfWork: String) {
        signUp(email: "eve@example.com", password: $password, proofOfWork: $proofOfWork) {
          __typename ... on UserError { code } ... on ProofOfWorkRequiredError { puzzle } } }`;
      return (await eve.ask(mutation, { password, proofOfWork })).signUp;
    };
    const refused = await signUp(null);
    expect(refused).toMatchObject(isRequired);
    expect(await signUp(await solve(refused.puzzle))).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('is asked for by requestPasswordReset, with the puzzle in the error', async () => {
    const api = await start();
    const ada = await api.signUp(email, 'BEARER');
    const eve = from(api, '203.0.113.1');
    await exhaust(eve);
    const mutation = `mutation ($proofOfWork: String) {
      requestPasswordReset(email: "${email}", proofOfWork: $proofOfWork) { email } }`;
    const refused = await eve.send(mutation);
    expect(refused.code).toBe('PROOF_OF_WORK_REQUIRED');
    const proofOfWork = await solve(refused.errors[0].extensions.puzzle);
    expect((await eve.send(mutation, { proofOfWork })).errors).toBeUndefined();
    const trusted = from(api, '203.0.113.1', Object.assign(api.client(), { deviceToken: ada.deviceToken }));
    expect((await trusted.send(mutation)).errors).toBeUndefined();
    expect(await api.database.auditEvent.count({ where: { type: 'PASSWORD_RESET_REQUESTED' } })).toBe(2);
  });
});
