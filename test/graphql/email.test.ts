import { describe, expect, it } from 'vitest';
import { password, startApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const viewer = '... on ViewerPayload { viewer { email emailVerifiedAt } } ... on UserError { code }';
const requested = '... on RequestedPayload { email } ... on UserError { code }';

describe('verifyEmail', () => {
  it('proves the address, signed in or not, once', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const token = tokenIn(await deliverMail(api), 'verify-email');
    const emailVerifiedAt = api.clock.now.toISOString();
    expect(await api.client().act('verifyEmail', { token }, viewer)).toMatchObject({ viewer: { emailVerifiedAt } });
    expect((await ada.ask('{ viewer { emailVerifiedAt } }')).viewer).toEqual({ emailVerifiedAt });
    expect(await ada.act('verifyEmail', { token }, viewer)).toMatchObject({ code: 'TOKEN_INVALID' });
    // Nothing is left to prove.
    expect(await ada.act('requestEmailVerification', {}, 'email')).toMatchObject({ email: 'ada@example.com' });
    expect(await deliverMail(api)).toEqual([]);
  });

  it('leaves whoever follows the link signed in as they were', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const token = tokenIn(await deliverMail(api), 'verify-email');
    const bob = await api.signUp('bob@example.com');
    await bob.ask(`mutation { verifyEmail(token: "${token}") { __typename } }`);
    expect((await bob.ask('{ viewer { email emailVerifiedAt } }')).viewer).toEqual({
      email: 'bob@example.com',
      emailVerifiedAt: null,
    });
    const { viewer: later } = await ada.ask('{ viewer { emailVerifiedAt } }');
    expect(later.emailVerifiedAt).not.toBeNull();
  });
});

describe('requestEmailChange', () => {
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
    expect(await api.client().act('confirmEmailChange', { token }, viewer)).toMatchObject({
      viewer: { email: 'lovelace@example.com', emailVerifiedAt: api.clock.now.toISOString() },
    });
    expect(await deliverMail(api)).toMatchObject([{ name: 'email-changed', to: 'ada@example.com' }]);
    expect((await ada.ask('{ viewer { email } }')).viewer.email).toBe('lovelace@example.com');
    expect(await api.client().login('ada@example.com')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await api.client().login('lovelace@example.com')).toMatchObject({ __typename: 'LoginSuccess' });
    expect(await ada.act('confirmEmailChange', { token }, viewer)).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('needs the password, and an address that is another one', async () => {
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

  it('does not tell who has an account, but tells its owner', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await api.signUp('bob@example.com');
    await deliverMail(api);
    const answer = await ada.act('requestEmailChange', { newEmail: 'bob@example.com', password }, requested);
    expect(answer).toEqual({ __typename: 'RequestedPayload', email: 'bob@example.com' });
    const mails = await deliverMail(api);
    expect(mails.map(({ name, to, token }) => [name, to, token]).sort()).toEqual([
      ['email-change-requested', 'ada@example.com', null],
      ['email-taken', 'bob@example.com', null],
    ]);
  });

  it('is refused at last where somebody took the address meanwhile', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    await deliverMail(api);
    await ada.act('requestEmailChange', { newEmail: 'new@example.com', password });
    const token = tokenIn(await deliverMail(api), 'confirm-email-change');
    await api.signUp('new@example.com');
    expect(await ada.act('confirmEmailChange', { token }, viewer)).toMatchObject({ code: 'EMAIL_TAKEN' });
    expect((await ada.ask('{ viewer { email } }')).viewer.email).toBe('ada@example.com');
  });

  it('is stopped by a new password, whoever asked for it', async () => {
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
