import { describe, expect, it } from 'vitest';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { addPasskey, authenticatorOf } from '../support/passkeys.ts';
import { addApp, encryptionKeys } from '../support/second-factor.ts';

const hour = 3_600_000;
const fresh = 'another battery staple';

function reset(client: Client, token: string, newPassword = fresh) {
  const variables = { token, newPassword, transport: 'BEARER' };
  return client.act(
    'resetPassword',
    variables,
    '... on SignInPayload { token viewer { email emailVerifiedAt } } ... on UserError { code }',
  );
}

async function linkFor(api: TestApi, email: string): Promise<string> {
  await deliverMail(api);
  expect(await api.client().act('requestPasswordReset', { email }, 'email')).toMatchObject({ email });
  return tokenIn(await deliverMail(api), 'reset-password');
}

describe('resetPassword', () => {
  it('signs in with the new password, ends every session, proves the address, and works once', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const token = await linkFor(api, 'ada@example.com');
    const other = api.client();
    const result = await reset(other, token);
    expect(result.viewer).toEqual({ email: 'ada@example.com', emailVerifiedAt: api.clock.now.toISOString() });
    other.token = result.token;
    expect((await other.ask('{ viewer { email } }')).viewer.email).toBe('ada@example.com');
    expect((await ada.ask('{ viewer { email } }')).viewer).toBeNull();
    expect(await reset(api.client(), token)).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(await api.client().login('ada@example.com', 'BEARER', password)).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
    expect(await api.client().login('ada@example.com', 'BEARER', fresh)).toMatchObject({ __typename: 'SignInPayload' });
    // They are due at the same time, so their order is open.
    expect((await deliverMail(api)).map(({ name }) => name).sort()).toEqual(['new-device', 'password-changed']);
  });

  it('takes the newest link only, for an hour', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const older = await linkFor(api, 'ada@example.com');
    const newer = await linkFor(api, 'ada@example.com');
    expect(await reset(api.client(), older)).toMatchObject({ code: 'TOKEN_INVALID' });
    api.clock.now = new Date(api.clock.now.getTime() + hour - 1_000);
    expect(await reset(api.client(), newer, 'short')).toMatchObject({ code: 'VALIDATION_FAILED' });
    api.clock.now = new Date(api.clock.now.getTime() + 1_000);
    expect(await reset(api.client(), newer)).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('succeeds for the first of many concurrent uses of a link', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const token = await linkFor(api, 'ada@example.com');
    const results = await Promise.all(Array.from({ length: 6 }, () => reset(api.client(), token)));
    expect(results.filter(({ __typename }) => __typename === 'SignInPayload')).toHaveLength(1);
    expect(api.reported).toEqual([]);
  });

  it('fails once the password, the address or the suspension of the user has changed', async () => {
    for (const change of ['changePassword', 'suspendUser', 'confirmEmailChange']) {
      const api = await startApi();
      const ada = await api.signUp('ada@example.com', 'BEARER');
      const root = await api.signUpAdmin('root@example.com');
      const token = await linkFor(api, 'ada@example.com');
      if (change === 'changePassword') await ada.act(change, { currentPassword: password, newPassword: fresh });
      if (change === 'suspendUser') {
        const { viewer } = await ada.ask('{ viewer { id } }');
        await root.act(change, { id: viewer.id });
      }
      if (change === 'confirmEmailChange') {
        await ada.act('requestEmailChange', { newEmail: 'lovelace@example.com', password });
        await ada.act(change, { token: tokenIn(await deliverMail(api), 'confirm-email-change') });
      }
      expect(await reset(api.client(), token), change).toMatchObject({ code: 'TOKEN_INVALID' });
    }
  });

  it('refuses every text that is no link of this kind in the same way', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const verification = tokenIn(await deliverMail(api), 'verify-email');
    const session = await api.signUp('bob@example.com', 'BEARER');
    for (const token of ['', 'none', verification, session.token ?? '', verification.replace(/.$/, '~')]) {
      expect(await reset(api.client(), token), token).toMatchObject({ code: 'TOKEN_INVALID' });
    }
  });
});

describe('requestPasswordReset', () => {
  it('answers the same, and sends no mail, for an unknown address and a suspended account', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    await api.database.user.update({ where: { email: 'ada@example.com' }, data: { suspendedAt: api.clock.now } });
    await deliverMail(api);
    for (const email of ['ada@example.com', 'nobody@example.com']) {
      expect(await api.client().act('requestPasswordReset', { email }, 'email')).toEqual({
        __typename: 'MailRequestPayload',
        email,
      });
    }
    expect(await deliverMail(api)).toEqual([]);
    expect(await api.database.mail.count()).toBe(0);
    const { code } = await api.client().send('mutation { requestPasswordReset(email: "no address") { email } }');
    expect(code).toBe('BAD_USER_INPUT');
  });

  it('mails an address five times an hour at most, for any number of requesters', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    await deliverMail(api);
    const ask = async (n: number) => {
      const client = Object.assign(api.client(), { address: `198.51.${n}.1` });
      expect((await client.act('requestPasswordReset', { email: 'ada@example.com' }, 'email')).email).toBeDefined();
      return (await deliverMail(api)).length;
    };
    const mailed: number[] = [];
    for (let n = 0; n < 7; n += 1) mailed.push(await ask(n));
    expect(mailed).toEqual([1, 1, 1, 1, 1, 0, 0]);
    api.clock.now = new Date(api.clock.now.getTime() + 3_600_000);
    expect(await ask(7)).toBe(1);
  });
});

describe('createUser', () => {
  it('creates an account without logins until its user has set a password', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    await deliverMail(api);
    const selection = '... on UserPayload { user { email name role } } ... on UserError { code }';
    const created = await root.ask(
      `mutation { createUser(email: "Ada@Example.com", name: "Ada") { __typename ${selection} } }`,
    );
    expect(created.createUser).toMatchObject({ user: { email: 'ada@example.com', name: 'Ada', role: 'user' } });
    for (const guess of ['', password, 'null']) {
      expect(await api.client().login('ada@example.com', 'BEARER', guess)).toMatchObject({
        code: 'INVALID_CREDENTIALS',
      });
    }
    const token = tokenIn(await deliverMail(api), 'set-password');
    expect(await reset(api.client(), token)).toMatchObject({ viewer: { email: 'ada@example.com' } });
    expect(await root.act('createUser', { email: 'ada@example.com' }, selection)).toMatchObject({
      code: 'EMAIL_TAKEN',
    });
    expect(await root.act('createUser', { email: 'nothing' }, selection)).toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});

describe('mail about a new password', () => {
  const email = 'ada@example.com';

  async function mailOfReset(api: TestApi) {
    expect((await reset(api.client(), await linkFor(api, email))).code).toBeUndefined();
    return (await deliverMail(api)).find(({ name }) => name === 'password-changed') ?? expect.fail();
  }

  it('says which factors still work, by the times when they were added, and not by the text of their names', async () => {
    const api = await startApi({ encryptionKeys });
    api.clock.now = new Date('2126-11-27T02:10:00Z');
    const ada = await api.signUp(email);
    await api.database.user.updateMany({ data: { emailVerifiedAt: api.clock.now } });
    await addPasskey(ada, authenticatorOf(api));
    api.clock.now = new Date('2126-11-27T02:12:00Z');
    await addPasskey(ada, authenticatorOf(api));
    await api.database.passkey.updateMany({ data: { name: 'Call 0900 123 now' } });
    api.clock.now = new Date('2126-11-27T02:13:00Z');
    await addApp(api, ada);
    const mail = await mailOfReset(api);
    for (const part of [mail.text, mail.html]) {
      expect(part).toContain('Passkeys: 2. They can sign in without the password.');
      expect(part).toContain('Added: 2126-11-27 02:10 UTC, 2126-11-27 02:12 UTC');
      expect(part).toContain('Authenticator app. Added: 2126-11-27 02:13 UTC');
      expect(part).toContain('Recovery codes that are left: 10');
      expect(part).toContain('remove it: sign in at');
      expect(part).not.toContain('0900');
    }
    expect(await api.database.passkey.count()).toBe(2);
  });

  it('says nothing about factors that the account does not have, or has lost by the reset', async () => {
    const api = await startApi({ encryptionKeys });
    const ada = await api.signUp(email);
    await addApp(api, ada);
    expect((await mailOfReset(api)).text).not.toContain('still work');
    expect((await mailOfReset(api)).text).not.toContain('still work');
  });
});
