import { describe, expect, it } from 'vitest';
import { password, startApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { textOf } from '../support/text.ts';

const answered = '... on MailRequestPayload { email } ... on UserError { code }';
const confirmed = '... on SignInPayload { token viewer { email name emailVerifiedAt } } ... on UserError { code }';

describe('signUp without account enumeration', () => {
  it('creates the account when its link is followed with its password', async () => {
    const api = await startApi({ isSignUpPrivate: true });
    const ada = api.client();
    const input = { email: 'Ada@example.com', password, name: 'Ada' };
    const answer = await ada.act('signUp', input, answered);
    expect(answer).toEqual({ __typename: 'MailRequestPayload', email: 'ada@example.com' });
    expect(await api.database.user.count()).toBe(0);
    expect(await ada.login('ada@example.com', 'BEARER')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    const mails = await deliverMail(api);
    const token = tokenIn(mails, 'confirm-sign-up');
    expect(textOf(mails)).not.toContain('argon2');
    const confirm = (secret: string) =>
      ada.act('confirmSignUp', { token, password: secret, transport: 'BEARER' }, confirmed);
    expect(await confirm('the password of a stranger')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await confirm(password)).toMatchObject({
      viewer: { email: 'ada@example.com', name: 'Ada', emailVerifiedAt: api.clock.now.toISOString() },
    });
    expect(await confirm(password)).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(await api.client().login('ada@example.com')).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('answers the same for a taken address, and tells its owner', async () => {
    const api = await startApi({ isSignUpPrivate: true });
    await api.database.user.create({ data: { email: 'ada@example.com', role: 'user' } });
    const answer = await api.client().act('signUp', { email: 'ada@example.com', password }, answered);
    expect(answer).toEqual({ __typename: 'MailRequestPayload', email: 'ada@example.com' });
    expect(await deliverMail(api)).toMatchObject([{ name: 'email-taken', to: 'ada@example.com', token: null }]);
  });

  it('gives the account to the first of two people who asked for it', async () => {
    const api = await startApi({ isSignUpPrivate: true });
    const tokens: string[] = [];
    for (const secret of [password, 'another battery staple']) {
      await api.client().act('signUp', { email: 'ada@example.com', password: secret });
      tokens.push(tokenIn(await deliverMail(api), 'confirm-sign-up'));
    }
    const confirm = (token = '', secret = '') =>
      api.client().act('confirmSignUp', { token, password: secret, transport: 'BEARER' }, confirmed);
    expect(await confirm(tokens[1], 'another battery staple')).toMatchObject({ __typename: 'SignInPayload' });
    expect(await confirm(tokens[0], password)).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(api.reported).toEqual([]);
  });
});
