import { describe, expect, it } from 'vitest';
import { startApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { addApp, encryptionKeys } from '../support/second-factor.ts';

const email = 'owner@example.com';

describe('the reset of an account that another person created with the address', () => {
  it('removes the factors and the undo links of that person, and proves the address', async () => {
    const api = await startApi({ encryptionKeys });
    const squatter = await api.signUp(email);
    await addApp(api, squatter);
    const undo = tokenIn(await deliverMail(api), 'factors-changed');
    const owner = api.client();
    await owner.act('requestPasswordReset', { email });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const reset = { token, newPassword: 'a quite different passphrase' };
    expect(await owner.act('resetPassword', reset)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await api.database.authenticatorApp.count()).toBe(0);
    expect(await api.database.recoveryCode.count()).toBe(0);
    expect(await api.database.user.findFirstOrThrow()).toMatchObject({
      secondFactorSince: null,
      emailVerifiedAt: api.clock.now,
    });
    const undone = await api.client().act('undoChange', { token: undo }, '... on UserError { code }');
    expect(undone).toMatchObject({ code: 'TOKEN_INVALID' });
  });
});

describe('changes of factors', () => {
  it('are limited to 40 in a day: each is kept with all factors, and mailed', async () => {
    const api = await startApi({ encryptionKeys });
    const ada = await api.signUp(email);
    await addApp(api, ada);
    const codes = '{ createRecoveryCodes { __typename ... on UserError { code } } }';
    const create = async () => (await ada.ask(`mutation ${codes}`)).createRecoveryCodes.code;
    await api.database.rateLimit.updateMany({ where: { key: { startsWith: 'factor-changes' } }, data: { points: 39 } });
    expect(await create()).toBeUndefined();
    expect(await create()).toBe('RATE_LIMITED');
    api.clock.now = new Date(api.clock.now.getTime() + 24 * 3_600_000);
    expect(await api.database.accountChange.count()).toBe(2);
  });
});
