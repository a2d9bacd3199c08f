/** @module-tag slow/timing */
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/front-door.ts';
import { readUsername } from '../../src/users/username.ts';
import { Client, password, realHashing, startApi, type TestApi } from '../support/api.ts';
import { byEmail, requestSignIn, signInByCode } from '../support/email-sign-in.ts';
import { foreignHashes } from '../support/foreign-hashes.ts';
import { deliverMail } from '../support/mail.ts';

const rounds = 24;

/** Returns the times of two requests in ms, sent in turn so that the load of the machine is equal for both. */
async function timesOf(one: (round: number) => Promise<unknown>, other: (round: number) => Promise<unknown>) {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, act] of [one, other].entries()) {
      const began = performance.now();
      await act(round);
      times[index as 0 | 1].push(performance.now() - began);
    }
  }
  return times;
}

/**
 * Returns the probability that a time of the first is below one of the second (the statistic of Mann and Whitney): one
 * half if they are indistinguishable, zero or one if they are not.
 */
function separation([ones, others]: [number[], number[]]): number {
  const pairs = ones.flatMap((one) => others.map((other) => (one < other ? 1 : one === other ? 0.5 : 0)));
  return pairs.reduce((sum: number, pair) => sum + pair, 0) / pairs.length;
}

/** A difference of one to ten milliseconds, or of two statements, is far beyond this. */
function expectAlike(times: [number[], number[]]): void {
  expect(separation(times)).toBeGreaterThan(0.2);
  expect(separation(times)).toBeLessThan(0.8);
}

/** Known and unknown addresses, a new one of each for every round, so that no limit is met. */
async function withUsers(api: TestApi): Promise<void> {
  const hashedPassword = await hashOf(api);
  const data = Array.from({ length: 2 * rounds }, (_, n) => ({
    email: `known${n}@example.com`,
    role: 'user',
    hashedPassword,
  }));
  await api.database.user.createMany({ data });
}

async function hashOf(api: TestApi): Promise<string> {
  await api.signUp('template@example.com');
  const { hashedPassword } = await api.database.user.findUniqueOrThrow({ where: { email: 'template@example.com' } });
  return hashedPassword ?? '';
}

describe('response time', () => {
  it('differs measurably for an operation that takes longer', async () => {
    // The second takes four times as long, under any load of the machine.
    const wait = async (times: number) => {
      for (let time = 0; time < times; time += 1) await new Promise((resolve) => setTimeout(resolve, 2));
    };
    const times = await timesOf(
      () => wait(1),
      () => wait(4),
    );
    expect(separation(times)).toBeGreaterThan(0.85);
  });

  it('does not reveal whether an account exists: login', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    const wrong = (email: string) => api.client().login(email, 'BEARER', 'not the password');
    await wrong('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => wrong(`known${n}@example.com`),
        (n) => wrong(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not reveal it: login by username', async () => {
    const api = await startApi({ passwords: realHashing, usernames: { isEnabled: true, reserved: [] } });
    await withUsers(api);
    for (let n = 0; n < rounds; n += 1) {
      const data = { username: `known-${n}`, usernameKey: readUsername(`known-${n}`)?.key ?? null };
      await api.database.user.update({ where: { email: `known${n}@example.com` }, data });
    }
    const login = `mutation ($identifier: String!) {
      login(identifier: $identifier, password: "not the password") { ... on UserError { code } } }`;
    const wrong = async (identifier: string) => {
      expect((await api.client().ask(login, { identifier })).login.code).toBe('INVALID_CREDENTIALS');
    };
    await wrong('known-0');
    expectAlike(
      await timesOf(
        (n) => wrong(`known-${n}`),
        (n) => wrong(`unknown-${n}`),
      ),
    );
  });

  it('does not reveal it by the mail about failed attempts: login', async () => {
    const api = await startApi({ passwords: realHashing, attempts: { perAccount: 1 } });
    await withUsers(api);
    const wrong = (email: string) => api.client().login(email, 'BEARER', 'not the password');
    await wrong('template@example.com');
    expectAlike(
      await timesOf(
        (n) => wrong(`known${n}@example.com`),
        (n) => wrong(`unknown${n}@example.com`),
      ),
    );
    expect(await api.database.mail.count({ where: { template: 'failed-logins' } })).toBe(2 * rounds + 1);
  });

  it('does not reveal an account by a hash that is cheaper than the policy: login', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    await api.database.user.updateMany({ data: { hashedPassword: foreignHashes['bcrypt $2b$'] } });
    const wrong = (email: string) => api.client().login(email, 'BEARER', 'not the password');
    for (let round = 0; round < 3; round += 1) await wrong(`known${rounds + round}@example.com`);
    expectAlike(
      await timesOf(
        (n) => wrong(`known${n}@example.com`),
        (n) => wrong(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not reveal it: requestPasswordReset', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    const ask = (email: string) => api.client().act('requestPasswordReset', { email });
    await ask('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => ask(`known${n}@example.com`),
        (n) => ask(`unknown${n}@example.com`),
      ),
    );
  });

  it.each([false, true])('does not reveal it: requestEmailSignIn, with sign-up: %s', async (createsAccounts) => {
    const api = await startApi({ ...byEmail, emailSignIn: { createsAccounts } });
    await withUsers(api);
    const ask = (email: string) => requestSignIn(api.client(), email);
    await ask('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => ask(`known${n}@example.com`),
        (n) => ask(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not reveal it: signInWithEmailCode', async () => {
    const api = await startApi(byEmail);
    await withUsers(api);
    const requested = new Map<string, { client: Client; challenge: string }>();
    for (let n = 0; n < rounds; n += 1) {
      for (const email of [`known${n}@example.com`, `unknown${n}@example.com`]) {
        const client = api.client();
        requested.set(email, { client, challenge: (await requestSignIn(client, email)).challenge });
      }
    }
    await deliverMail(api);
    const guess = async (email: string) => {
      const { client, challenge } = requested.get(email) ?? { client: api.client(), challenge: '' };
      expect(await signInByCode(client, { challenge, code: '' })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    };
    await guess('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => guess(`known${n}@example.com`),
        (n) => guess(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not reveal it: signUp with private sign-up', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    const hidden = startApiOn(api);
    const ask = (email: string) => hidden.act('signUp', { email, password });
    await ask('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => ask(`known${n}@example.com`),
        (n) => ask(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not reveal it: requestEmailChange', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const ask = (newEmail: string) => ada.act('requestEmailChange', { newEmail, password });
    await ask('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => ask(`known${n}@example.com`),
        (n) => ask(`unknown${n}@example.com`),
      ),
    );
  });
});

/** Returns a client of a second server on the same database, with private sign-up. */
function startApiOn(api: TestApi) {
  const config = { ...api.config, isSignUpPrivate: true };
  const app = createApp({ database: api.database, config, report: () => {}, now: () => api.clock.now });
  return new Client(app, config.publicUrl);
}
