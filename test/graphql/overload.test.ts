/** @module-tag slow/hashing */
import { availableParallelism } from 'node:os';
import { describe, expect, inject, it } from 'vitest';
import { password, realHashing, startApi, type TestApi } from '../support/api.ts';
import { isPostgresql } from '../support/database.ts';

const email = 'ada@example.com';

/** Limits high enough that concurrent logins do not make each other wait. */
const attempts = { perAccount: 50, perAddress: 100, signUpsPerAddress: 100 };

/** Starts more logins of strangers than can run or wait, until the first is refused: the queue is full then. */
async function crowd(api: TestApi, queueLength: number) {
  const served: string[] = [];
  let refuse: () => void = () => {};
  const isFull = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  const all = Array.from({ length: queueLength + 3 * availableParallelism() + 10 }, async (_, n) => {
    const { data } = await api.client().send(wrongLogin, { email: `stranger${n}@example.com` });
    if (data.login === null) refuse();
    else served.push(data.login.__typename);
  });
  await isFull;
  return { served, all: Promise.all(all) };
}

const wrongLogin = `mutation ($email: String!) {
  login(email: $email, password: "not the right password") { __typename } }`;

function loginRequest(api: TestApi, secret: string, accept: string): Request {
  const query = `mutation ($email: String!, $secret: String!) {
    login(email: $email, password: $secret, transport: BEARER) { __typename ... on SignInPayload { viewer { email } } } }`;
  return new Request(new URL('/graphql', api.config.publicUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query, variables: { email, secret } }),
  });
}

/** @param passes - the duration of a hash, so that the queue lasts as long as the test */
async function startWithQueue(queueLength: number, passes = 2): Promise<TestApi> {
  const api = await startApi({ attempts });
  const passwords = { ...realHashing, queueLength, passes };
  await api.signUp(email);
  // The same database, under another configuration.
  Object.assign(api.config, { passwords });
  return api;
}

describe('logins beyond the queue', () => {
  it.each(['application/json', 'application/graphql-response+json'])(
    'are answered with 503 and Retry-After, as %s, and all other operations as usual',
    async (accept) => {
      const api = await startWithQueue(2);
      const secrets = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? password : 'not the password'));
      const answers = await Promise.all(
        secrets.map(async (secret) => {
          const request = loginRequest(api, secret, accept);
          const answer = await api.app.fetch(request);
          return { secret, answer, body: await answer.json() };
        }),
      );
      const refused = answers.filter(({ answer }) => answer.status === 503);
      expect(refused.length).toBeGreaterThan(20);
      for (const { answer, body } of refused) {
        expect(answer.headers.get('retry-after')).toBe('1');
        expect(answer.headers.get('content-type')).toContain(accept);
        expect(body).toMatchObject({ data: { login: null }, errors: [{ extensions: { code: 'SERVER_OVERLOADED' } }] });
      }
      const served = answers.filter(({ answer }) => answer.status === 200);
      expect(served.length).toBeGreaterThanOrEqual(3);
      expect(served.length + refused.length).toBe(40);
      for (const { secret, body } of served) {
        const kind = secret === password ? 'SignInPayload' : 'InvalidCredentialsError';
        expect(body).toMatchObject({ data: { login: { __typename: kind } } });
      }
      expect(api.reported).toEqual([]);
      expect(await api.client().login(email)).toMatchObject({ viewer: { email } });
    },
  );

  it('do not prevent a later sign-up, and create no user in the meantime', async () => {
    const api = await startWithQueue(1);
    const emails = Array.from({ length: 20 }, (_, n) => `user${n}@example.com`);
    const signUp = `mutation ($email: String!) { signUp(email: $email, password: "${password}") { __typename } }`;
    const answers = await Promise.all(emails.map((one) => api.client().send(signUp, { email: one })));
    const refused = answers.filter(({ code }) => code === 'SERVER_OVERLOADED');
    expect(refused.length).toBeGreaterThan(0);
    expect(await api.database.user.count()).toBe(1 + emails.length - refused.length);
  });
});

/** It works before any statement, so one database is enough. */
describe.skipIf(isPostgresql(inject('templateDatabase')))('full hashing queue', () => {
  const queueLength = 40;
  const passes = 10;

  it('serves a login from a trusted device next', async () => {
    const api = await startWithQueue(queueLength, passes);
    const device = api.client();
    await device.login(email, 'BEARER');
    await device.ask('mutation { logout { revokedSessionId } }');
    device.token = null;
    const { served, all } = await crowd(api, queueLength);
    // The token of another user, and an invented one, do not help.
    const bogus = [`${'0'.repeat(32)}.${'A'.repeat(43)}`, (await api.database.userToken.findFirst())?.handle ?? ''];
    for (const deviceToken of bogus) {
      const { code } = await Object.assign(api.client(), { deviceToken }).send(wrongLogin, { email });
      expect(code).toBe('SERVER_OVERLOADED');
    }
    const before = served.length;
    expect(await device.login(email)).toMatchObject({ __typename: 'SignInPayload' });
    expect(served.length - before).toBeLessThan(queueLength / 2);
    await all;
    expect(served.length).toBeGreaterThan(queueLength);
    expect(api.reported).toEqual([]);
  });

  it('serves a proof of the password in a session next', async () => {
    const api = await startWithQueue(queueLength, passes);
    const ada = api.client();
    await ada.login(email, 'BEARER');
    const { served, all } = await crowd(api, queueLength);
    const before = served.length;
    const { __typename } = await ada.act('reauthenticate', { password });
    expect(__typename).toBe('ReauthenticatePayload');
    expect(served.length - before).toBeLessThan(queueLength / 2);
    await all;
  });
});

describe('concurrent logins', () => {
  it('leave the server free to answer other requests', async () => {
    const api = await startApi({ attempts, passwords: realHashing });
    const ada = await api.signUp(email, 'BEARER');
    let finished = 0;
    const logins = Array.from({ length: 49 }, async () => {
      const result = await api.client().login(email, 'BEARER');
      finished += 1;
      return result;
    });
    await Promise.race(logins);
    for (let n = 0; n < 10; n += 1) {
      expect((await ada.ask('{ viewer { email } }')).viewer).toEqual({ email });
    }
    expect(finished).toBeLessThan(25);
    for (const result of await Promise.all(logins)) expect(result).toMatchObject({ viewer: { email } });
  });
});
