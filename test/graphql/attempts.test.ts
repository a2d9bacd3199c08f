import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/front-door.ts';
import { resetFailures } from '../../src/throttle/attempts.ts';
import { Client, password, rotating, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const wrong = 'not the right password';
const isWrong = { code: 'INVALID_CREDENTIALS' };
const email = 'ada@example.com';

function later(api: TestApi, seconds: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + seconds * 1_000);
}

/** Sends consecutive wrong passwords, and returns the answers. */
async function guess(client: Client, times: number, address = email) {
  const answers = [];
  for (let time = 0; time < times; time += 1) answers.push(await client.login(address, 'BEARER', wrong));
  return answers;
}

/** Returns the refusal with this wait. */
const waitOf = (seconds: number) => ({ __typename: 'RateLimitedError', retryAfterSeconds: seconds });

describe('limit on wrong passwords per account', () => {
  it('is ten failures: then the wait starts, doubles with each one, and is at most an hour', async () => {
    const api = await startApi();
    await api.signUp(email);
    const eve = api.client();
    for (const answer of await guess(eve, 10)) expect(answer).toMatchObject(isWrong);
    for (const seconds of [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]) {
      expect(await eve.login(email)).toMatchObject(waitOf(seconds));
      later(api, seconds - 0.5);
      expect(await eve.login(email)).toMatchObject(waitOf(1));
      later(api, 0.5);
      expect(await eve.login(email, 'BEARER', wrong), String(seconds)).toMatchObject(isWrong);
    }
  });

  it('is reset by the right password', async () => {
    const api = await startApi();
    await api.signUp(email);
    const ada = api.client();
    await guess(ada, 10);
    expect(await ada.login(email)).toMatchObject(waitOf(30));
    later(api, 30);
    expect(await ada.login(email)).toMatchObject({ __typename: 'SignInPayload' });
    // Only the counts of mails are left.
    const counts = await api.database.rateLimit.findMany();
    expect(counts.map(({ key }) => key.split(':')[0]).sort()).toEqual(['failed-logins', 'new-device', 'verify-email']);
    for (const answer of await guess(api.client(), 10)) expect(answer).toMatchObject(isWrong);
  });

  it('applies to an address without an account in the same way', async () => {
    const api = await startApi();
    await api.signUp(email);
    const seen: unknown[][] = [];
    for (const address of [email, 'nobody@example.com']) {
      const eve = api.client();
      seen.push([...(await guess(eve, 12, address)), await eve.login(address.toUpperCase(), 'BEARER', wrong)]);
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.at(-1)).toMatchObject(waitOf(30));
  });

  it('does not lock an address before a user signs up with it', async () => {
    const api = await startApi();
    await guess(api.client(), 11);
    await api.signUp(email);
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('lets ten of forty concurrent attempts reach the hash function', async () => {
    const api = await startApi();
    await api.signUp(email);
    const answers = await Promise.all(Array.from({ length: 40 }, () => api.client().login(email, 'BEARER', wrong)));
    expect(answers.filter(({ code }) => code === 'INVALID_CREDENTIALS')).toHaveLength(10);
    expect(answers.filter(({ code }) => code === 'RATE_LIMITED')).toHaveLength(30);
    later(api, 30);
    const next = await Promise.all(Array.from({ length: 5 }, () => api.client().login(email, 'BEARER', wrong)));
    expect(next.filter(({ code }) => code === 'INVALID_CREDENTIALS')).toHaveLength(1);
    expect(await api.client().login(email)).toMatchObject(waitOf(60));
  });

  it('costs a read for a refused attempt, and no write', async () => {
    const api = await startApi();
    await api.signUp(email);
    await guess(api.client(), 10);
    const before = await api.database.rateLimit.findMany();
    api.statements.length = 0;
    await guess(api.client(), 3);
    expect(api.statements).toHaveLength(3);
    for (const statement of api.statements) expect(statement).toMatch(/^SELECT/);
    expect(await api.database.rateLimit.findMany()).toEqual(before);
  });

  it('survives a restart of the server', async () => {
    const api = await startApi();
    await api.signUp(email);
    await guess(api.client(), 10);
    const app = createApp({ ...api, report: () => {}, now: () => api.clock.now });
    expect(await new Client(app, api.config.publicUrl).login(email)).toMatchObject(waitOf(30));
  });

  it('allows strangers fifty consecutive failures, and trusted devices as many, and then none for a year', async () => {
    const api = await startApi();
    const ada = await api.signUp(email);
    for (const client of [api.client(), ada]) {
      await guess(client, 10);
      for (let time = 10; time < 50; time += 1) {
        later(api, 3_600);
        expect(await client.login(email, 'BEARER', wrong), String(time)).toMatchObject(isWrong);
      }
      later(api, 150 * 86_400);
      const { __typename, retryAfterSeconds } = await client.login(email);
      expect(__typename).toBe('RateLimitedError');
      expect(retryAfterSeconds).toBeGreaterThan(200 * 86_400);
    }
    await resetFailures(api.database, email);
    expect(await ada.login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('stores no address without an account in the database', async () => {
    const api = await startApi();
    const eve = Object.assign(api.client(), { address: '203.0.113.7' });
    await guess(eve, 1, 'nobody@example.com');
    const rows = JSON.stringify(await api.database.rateLimit.findMany());
    expect(rows).toMatch(/"account:[0-9a-f]{64}:in-a-row"/);
    expect(rows).not.toMatch(/nobody|203\.0/);
  });
});

describe('limit on wrong passwords per address', () => {
  const policy = { perAccount: 10, perAddress: 5, signUpsPerAddress: 3 };
  const from = (api: TestApi, address: string | null) => Object.assign(api.client(), { address });

  /** Sends wrong passwords for one account after the other, and returns the answers. */
  async function spray(api: TestApi, address: string | null, times: number): Promise<string[]> {
    const codes = [];
    for (let time = 0; time < times; time += 1) {
      const [answer] = await guess(from(api, address), 1, `somebody${time}@example.com`);
      codes.push(answer.code);
    }
    return codes;
  }

  it('is a number per quarter of an hour, over all accounts', async () => {
    const api = await startApi({ attempts: policy });
    await api.signUp(email);
    expect(await spray(api, '203.0.113.7', 6)).toEqual([...Array(5).fill('INVALID_CREDENTIALS'), 'RATE_LIMITED']);
    later(api, 300);
    expect(await from(api, '203.0.113.7').login(email)).toMatchObject(waitOf(600));
    expect(await from(api, '203.0.113.8').login(email)).toMatchObject({ __typename: 'SignInPayload' });
    later(api, 600);
    expect(await from(api, '203.0.113.7').login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('holds for concurrent requests', async () => {
    const api = await startApi({ attempts: policy });
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => guess(from(api, '203.0.113.7'), 1, `somebody${n}@example.com`)),
    );
    expect(codes.flat().filter(({ code }) => code === 'INVALID_CREDENTIALS')).toHaveLength(5);
  });

  it('counts for a whole IPv6 network of /64, and for IPv4 mapped into IPv6', async () => {
    const api = await startApi({ attempts: policy });
    await spray(api, '2001:db8:1:2::1', 5);
    expect(await spray(api, '2001:db8:1:2:ffff:1:2:3', 1)).toEqual(['RATE_LIMITED']);
    expect(await spray(api, '2001:db8:1:3::1', 1)).toEqual(['INVALID_CREDENTIALS']);
    await spray(api, '203.0.113.7', 5);
    expect(await spray(api, '::ffff:203.0.113.7', 1)).toEqual(['RATE_LIMITED']);
  });

  it.each([
    ['IPv4 of /24', (n: number) => `203.0.113.${n}`, '203.0.114.1'],
    ['IPv6 of /48', (n: number) => `2001:db8:1:${n}::1`, '2001:db8:2:1::1'],
  ])('allows a network of %s ten times as many, and no more', async (_kind, addressOf, elsewhere) => {
    const api = await startApi({ attempts: { ...policy, perAccount: 50, perAddress: 2 } });
    for (let n = 1; n <= 10; n += 1) {
      expect(await spray(api, addressOf(n), 2), String(n)).toEqual(Array(2).fill('INVALID_CREDENTIALS'));
    }
    expect(await spray(api, addressOf(11), 1)).toEqual(['RATE_LIMITED']);
    expect(await spray(api, elsewhere, 1)).toEqual(['INVALID_CREDENTIALS']);
    later(api, 900);
    expect(await spray(api, addressOf(11), 1)).toEqual(['INVALID_CREDENTIALS']);
  });

  it('does not let one address use up the limit of its network, with any number of concurrent requests', async () => {
    const api = await startApi({ attempts: { ...policy, perAddress: 1 } });
    await Promise.all(Array.from({ length: 30 }, (_, n) => guess(from(api, '203.0.113.7'), 1, `a${n}@example.com`)));
    expect(await spray(api, '203.0.113.8', 1)).toEqual(['INVALID_CREDENTIALS']);
    const rows = await api.database.rateLimit.findMany({ where: { key: { startsWith: 'passwords:' } } });
    expect(rows.map(({ points }) => points).sort()).toEqual([1, 1, 2]);
  });

  it('takes one statement for the account, the address and its network', async () => {
    const api = await startApi({ attempts: policy });
    const client = from(api, '203.0.113.7');
    api.statements.length = 0;
    await guess(client, 1);
    expect(api.statements.filter((statement) => /INSERT INTO "RateLimit"/.test(statement))).toHaveLength(1);
    expect(await api.database.rateLimit.count()).toBe(3);
  });

  it('counts neither right passwords nor an unknown address', async () => {
    const api = await startApi({ attempts: policy });
    await api.signUp(email);
    const ada = () => from(api, '203.0.113.7').login(email);
    for (let time = 0; time < 8; time += 1) expect(await ada()).toMatchObject({ __typename: 'SignInPayload' });
    expect(await spray(api, '203.0.113.7', 5)).toEqual(Array(5).fill('INVALID_CREDENTIALS'));
    expect(await spray(api, null, 9)).toEqual(Array(9).fill('INVALID_CREDENTIALS'));
  });

  it('does not count refused attempts for an account', async () => {
    const api = await startApi({ attempts: policy });
    await api.signUp(email);
    expect((await guess(from(api, '203.0.113.7'), 20)).at(-1)).toMatchObject({ code: 'RATE_LIMITED' });
    const row = await api.database.rateLimit.findFirst({ where: { key: { endsWith: ':in-a-row' } } });
    expect(row?.points).toBe(5);
  });

  it('does not count sign-ups, which have their own limit per hour', async () => {
    const api = await startApi({ attempts: policy });
    await spray(api, '203.0.113.7', 5);
    const signUp = (n: number, address = '203.0.113.7') => from(api, address).signUp(`new${n}@example.com`);
    for (const n of [1, 2, 3]) expect(await signUp(n)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await signUp(4)).toMatchObject(waitOf(3_600));
    expect(await signUp(4, '203.0.113.8')).toMatchObject({ __typename: 'SignInPayload' });
    later(api, 3_600);
    expect(await signUp(5)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await api.database.user.count()).toBe(5);
  });

  it('leaves room for mistaken sign-ups of other people at the same address', async () => {
    const api = await startApi({ attempts: policy });
    const client = from(api, '203.0.113.7');
    const mistakes = [
      { email: 'new', password },
      { email: 'new@example.com', password: 'short' },
    ];
    for (const mistake of [...mistakes, ...mistakes]) {
      expect(await client.act('signUp', mistake, '... on UserError { code }')).toMatchObject({
        code: 'VALIDATION_FAILED',
      });
    }
    expect(await client.signUp('new@example.com')).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('does not block valid links of other people at the same address', async () => {
    const api = await startApi({ attempts: policy });
    await api.signUp(email);
    await deliverMail(api);
    const client = from(api, '203.0.113.7');
    await client.act('requestPasswordReset', { email }, 'email');
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const follow = (secret: string, newPassword: string) =>
      client.act('resetPassword', { token: secret, newPassword }, '__typename ... on UserError { code }');
    const junk = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
    for (let time = 0; time < 5; time += 1) {
      expect(await follow(junk, password)).toMatchObject({ code: 'TOKEN_INVALID' });
    }
    expect(await follow(junk, password)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await follow(token, 'short')).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await follow(token, 'another battery staple')).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('applies to a network in the same way for sign-ups, requests for resets and links', async () => {
    const api = await startApi({ attempts: { perAccount: 10, perAddress: 1, signUpsPerAddress: 1 } });
    const reset = (n: number) =>
      from(api, `203.0.113.${n}`).send(`mutation { requestPasswordReset(email: "a${n}@example.com") { email } }`);
    const follow = (n: number) =>
      from(api, `203.0.113.${n}`).act(
        'resetPassword',
        { token: 'none', newPassword: password },
        '... on UserError { code }',
      );
    const signUp = (n: number) => from(api, `203.0.113.${n}`).signUp(`new${n}@example.com`);
    for (let n = 1; n <= 10; n += 1) {
      expect((await reset(n)).code).toBeUndefined();
      expect(await follow(n)).toMatchObject({ code: 'TOKEN_INVALID' });
      expect(await signUp(n)).toMatchObject({ __typename: 'SignInPayload' });
    }
    expect((await reset(11)).code).toBe('RATE_LIMITED');
    expect(await follow(11)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await signUp(11)).toMatchObject({ code: 'RATE_LIMITED' });
  });
});

describe('limit on wrong passwords in a session', () => {
  const prove = `mutation ($password: String!) { reauthenticate(password: $password) {
    __typename ${rotating.reauthenticate} ... on UserError { code } ... on RateLimitedError { retryAfterSeconds } } }`;
  const change = `mutation ($current: String!, $new: String!) { changePassword(currentPassword: $current, newPassword: $new) {
    __typename ${rotating.changePassword} ... on UserError { code } ... on RateLimitedError { retryAfterSeconds } } }`;

  it('applies after ten failures too, in either way', async () => {
    const api = await startApi();
    const ada = await api.signUp(email);
    for (let time = 0; time < 5; time += 1) {
      expect((await ada.ask(prove, { password: wrong })).reauthenticate).toMatchObject(isWrong);
      expect((await ada.ask(change, { current: wrong, new: wrong })).changePassword).toMatchObject(isWrong);
    }
    expect((await ada.ask(prove, { password })).reauthenticate).toMatchObject(waitOf(30));
    expect((await ada.ask(change, { current: password, new: wrong })).changePassword).toMatchObject(waitOf(30));
    later(api, 30);
    expect((await ada.ask(prove, { password })).reauthenticate.__typename).toBe('ReauthenticatePayload');
    expect((await ada.ask(prove, { password: wrong })).reauthenticate).toMatchObject(isWrong);
  });

  it('is not affected by strangers', async () => {
    const api = await startApi();
    const ada = await api.signUp(email);
    await guess(api.client(), 11);
    expect((await ada.ask(prove, { password })).reauthenticate.__typename).toBe('ReauthenticatePayload');
  });

  it('does not count bad new passwords', async () => {
    const api = await startApi();
    const ada = await api.signUp(email);
    for (let time = 0; time < 12; time += 1) {
      const { changePassword } = await ada.ask(change, { current: password, new: 'short' });
      expect(changePassword.code).toBe('VALIDATION_FAILED');
    }
  });
});
