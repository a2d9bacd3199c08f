import { describe, expect, it } from 'vitest';
import { password, startApi } from '../support/api.ts';
import { foreignHashes } from '../support/foreign-hashes.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const viewer = '... on ViewerPayload { viewer { email emailVerifiedAt } } ... on UserError { code }';
const requested = '... on MailRequestPayload { email } ... on UserError { code }';

/** The events of an account, newest first. */
const events = '{ viewer { auditEvents(first: 3) { nodes { type isOwn ipAddress sessionHandle } } } }';

/** An account, the token of a link to it, and the effect of the link on the address. */
const links = {
  verifyEmail: async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const token = tokenIn(await deliverMail(api), 'verify-email');
    return { api, ada, token, email: 'ada@example.com' };
  },
  confirmEmailChange: async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await deliverMail(api);
    await ada.act('requestEmailChange', { newEmail: 'new@example.com', password });
    return { api, ada, token: tokenIn(await deliverMail(api), 'confirm-email-change'), email: 'new@example.com' };
  },
};

describe.each(Object.entries(links))('%s', (field, start) => {
  it('works in a session of the user, without the password, once', async () => {
    const { api, ada, token, email } = await start();
    const emailVerifiedAt = api.clock.now.toISOString();
    expect(await ada.act(field, { token }, viewer)).toMatchObject({ viewer: { email, emailVerifiedAt } });
    expect(await ada.act(field, { token }, viewer)).toMatchObject({ code: 'TOKEN_INVALID' });
    const [event] = (await ada.ask(events)).viewer.auditEvents.nodes;
    expect(event).toMatchObject({ isOwn: true, sessionHandle: expect.any(String) });
  });

  it('works elsewhere with the password, also in a session of another user, who stays signed in', async () => {
    const { api, ada, token, email } = await start();
    const bob = Object.assign(await api.signUp('bob@example.com'), { address: '192.0.2.30' });
    const emailVerifiedAt = api.clock.now.toISOString();
    expect(await bob.act(field, { token, password }, viewer)).toMatchObject({ viewer: { email, emailVerifiedAt } });
    expect((await bob.ask('{ viewer { email emailVerifiedAt } }')).viewer).toEqual({
      email: 'bob@example.com',
      emailVerifiedAt: null,
    });
    const [event] = (await ada.ask(events)).viewer.auditEvents.nodes;
    expect(event).toMatchObject({ isOwn: true, ipAddress: '192.0.2.30', sessionHandle: null });
  });

  it('does not prove the address for another person who entered it, and the link stays valid', async () => {
    const { api, ada, token } = await start();
    const before = await api.database.user.findMany();
    const owner = await api.signUp('owner@example.com');
    for (const client of [api.client(), owner]) {
      const [none, wrong] = [await client.act(field, { token }, viewer), { token, password: 'wrong' }];
      expect(none).toMatchObject({ code: 'INVALID_CREDENTIALS' });
      expect(await client.act(field, wrong, viewer)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
      expect(await client.act(field, { token, password: '' }, viewer)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    expect(await api.database.user.findMany({ where: { email: 'ada@example.com' } })).toEqual(before);
    const [event] = (await ada.ask(events)).viewer.auditEvents.nodes;
    expect(event).toMatchObject({ type: 'PASSWORD_CHECK_FAILED', isOwn: false, sessionHandle: null });
    expect(await ada.act(field, { token }, viewer)).toMatchObject({ __typename: 'ViewerPayload' });
  });

  it('counts wrong passwords as login does, and hashes none for an invalid link', async () => {
    const { api, token } = await start();
    const eve = api.client();
    for (let time = 0; time < 10; time += 1) {
      expect(await eve.act(field, { token, password: 'wrong' }, viewer)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    expect(await eve.act(field, { token, password }, viewer)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await eve.login('ada@example.com')).toMatchObject({ code: 'RATE_LIMITED' });
    const before = await api.database.rateLimit.findMany();
    expect(await eve.act(field, { token: 'none', password }, viewer)).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(await api.database.rateLimit.findMany()).toEqual(before);
    api.clock.now = new Date(api.clock.now.getTime() + 30_000);
    expect(await eve.act(field, { token, password }, viewer)).toMatchObject({ __typename: 'ViewerPayload' });
    expect(await api.database.rateLimit.findMany({ where: { key: { startsWith: 'account:' } } })).toEqual([]);
  });

  it('costs as much as a password if one is given: two do not fit into an operation', async () => {
    const { api, token } = await start();
    const twice = (args: string) =>
      api.client().send(`mutation { a: ${field}(${args}) { __typename } b: ${field}(${args}) { __typename } }`);
    expect((await twice(`token: "${token}", password: "wrong"`)).code).toBe('BAD_USER_INPUT');
    expect((await twice(`token: "${token}"`)).code).toBeUndefined();
  });

  it('works for a user without a password in a session of theirs, and with no password elsewhere', async () => {
    const { api, ada, token } = await start();
    await api.database.user.updateMany({ where: { email: 'ada@example.com' }, data: { hashedPassword: null } });
    for (const secret of [password, '']) {
      const answer = await api.client().act(field, { token, password: secret }, viewer);
      expect(answer).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    expect(await ada.act(field, { token }, viewer)).toMatchObject({ __typename: 'ViewerPayload' });
  });
});

describe('verifyEmail', () => {
  it('verifies the address, so that a further request sends no mail', async () => {
    const { api, ada, token } = await links.verifyEmail();
    await ada.act('verifyEmail', { token });
    expect(await ada.act('requestEmailVerification', {}, 'email')).toMatchObject({ email: 'ada@example.com' });
    expect(await deliverMail(api)).toEqual([]);
  });
});

describe('confirmEmailChange', () => {
  it('resets the failures that were counted while no account had the address', async () => {
    const { api, ada, token, email } = await links.confirmEmailChange();
    for (let time = 0; time < 11; time += 1) await api.client().login(email, 'BEARER', 'wrong');
    expect(await api.client().login(email)).toMatchObject({ code: 'RATE_LIMITED' });
    await ada.act('confirmEmailChange', { token });
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('works with a password that another system hashed', async () => {
    const { api, token, email } = await links.confirmEmailChange();
    const hashedPassword = foreignHashes['bcrypt $2b$'];
    await api.database.user.updateMany({ where: { email: 'ada@example.com' }, data: { hashedPassword } });
    const { viewer: changed } = await api.client().act('confirmEmailChange', { token, password }, viewer);
    expect(changed).toMatchObject({ email });
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });
});

describe('mails with links', () => {
  it('tell people who did not ask for them what to do', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await ada.act('requestEmailChange', { newEmail: 'new@example.com', password });
    const mails = await deliverMail(api);
    for (const name of ['verify-email', 'confirm-email-change']) {
      const mail = mails.find((one) => one.name === name);
      for (const text of [mail?.text, mail?.html]) {
        for (const advice of ['do not follow the link', 'someone used your address', 'password reset', 'sessions']) {
          expect(text?.replace(/\s+/g, ' ')).toContain(advice);
        }
      }
    }
  });
});

describe('requestEmailChange', () => {
  it('mails an address five times an hour at most, for any number of new ones', async () => {
    const api = await startApi();
    const stranger = await api.signUp('ada@example.com');
    await deliverMail(api);
    const request = (number: number) =>
      stranger.act('requestEmailChange', { newEmail: `new-${number}@example.com`, password }, requested);
    for (let number = 0; number < 5; number += 1) {
      expect(await request(number)).toMatchObject({ email: `new-${number}@example.com` });
      expect(await deliverMail(api)).toHaveLength(2);
    }
    const counts = await api.database.rateLimit.count();
    expect(await request(5)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await deliverMail(api)).toEqual([]);
    expect(await api.database.rateLimit.count()).toBe(counts);
    api.clock.now = new Date(api.clock.now.getTime() + 3_600_000);
    expect(await request(6)).toMatchObject({ email: 'new-6@example.com' });
  });

  it('changes the address once the new one is confirmed, and tells the old one both times', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await deliverMail(api);
    const change = { newEmail: 'Lovelace@Example.com', password };
    expect(await ada.act('requestEmailChange', change, requested)).toMatchObject({ email: 'lovelace@example.com' });
    expect((await ada.ask('{ viewer { email } }')).viewer.email).toBe('ada@example.com');
    const mails = await deliverMail(api);
    expect(mails.map(({ name, to }) => [name, to]).sort()).toEqual([
      ['confirm-email-change', 'lovelace@example.com'],
      ['email-change-requested', 'ada@example.com'],
    ]);
    expect(mails.find(({ name }) => name === 'email-change-requested')?.text).toContain('lovelace@example.com');
    const token = tokenIn(mails, 'confirm-email-change');
    expect(await api.client().act('confirmEmailChange', { token, password }, viewer)).toMatchObject({
      viewer: { email: 'lovelace@example.com', emailVerifiedAt: api.clock.now.toISOString() },
    });
    expect(await deliverMail(api)).toMatchObject([{ name: 'email-changed', to: 'ada@example.com' }]);
    expect((await ada.ask('{ viewer { email } }')).viewer.email).toBe('lovelace@example.com');
    expect(await api.client().login('ada@example.com')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await api.client().login('lovelace@example.com')).toMatchObject({ __typename: 'SignInPayload' });
    expect(await ada.act('confirmEmailChange', { token }, viewer)).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('needs the password, and an address that differs from the current one', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await deliverMail(api);
    const ask = (newEmail: string, secret = password) =>
      ada.act('requestEmailChange', { newEmail, password: secret }, requested);
    expect(await ask('new@example.com', 'wrong')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await ask('ADA@example.com')).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await ask('a@example.com,b@example.com')).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await deliverMail(api)).toEqual([]);
  });

  it('does not reveal accounts, but tells the owner of the address', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await api.signUp('bob@example.com');
    await deliverMail(api);
    const answer = await ada.act('requestEmailChange', { newEmail: 'bob@example.com', password }, requested);
    expect(answer).toEqual({ __typename: 'MailRequestPayload', email: 'bob@example.com' });
    const mails = await deliverMail(api);
    expect(mails.map(({ name, to, token }) => [name, to, token]).sort()).toEqual([
      ['email-change-requested', 'ada@example.com', null],
      ['email-taken', 'bob@example.com', null],
    ]);
  });

  it('is refused at last if another account took the address since', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await deliverMail(api);
    await ada.act('requestEmailChange', { newEmail: 'new@example.com', password });
    const token = tokenIn(await deliverMail(api), 'confirm-email-change');
    await api.signUp('new@example.com');
    expect(await ada.act('confirmEmailChange', { token }, viewer)).toMatchObject({ code: 'EMAIL_TAKEN' });
    expect((await ada.ask('{ viewer { email } }')).viewer.email).toBe('ada@example.com');
  });

  it('is stopped by a new password, for every requester', async () => {
    const api = await startApi();
    const thief = await api.signUp('ada@example.com');
    await deliverMail(api);
    await thief.act('requestEmailChange', { newEmail: 'thief@example.com', password });
    const token = tokenIn(await deliverMail(api), 'confirm-email-change');
    const ada = api.client();
    await ada.login('ada@example.com');
    await ada.act('changePassword', { currentPassword: password, newPassword: 'another battery staple' });
    expect(await thief.act('confirmEmailChange', { token }, viewer)).toMatchObject({ code: 'TOKEN_INVALID' });
  });
});
