import { describe, expect, it, onTestFinished } from 'vitest';
import { requestFactorReset } from '../../src/accounts/factors/reset.ts';
import { reachedLimits } from '../../src/diagnostics.ts';
import { maintain } from '../../src/maintenance/maintenance.ts';
import { commandScope } from '../../src/scope.ts';
import { startApi } from '../support/api.ts';
import {
  byEmail,
  eventsOf,
  isSignedIn,
  mailedSignIn,
  pass,
  requestSignIn,
  signInByCode,
  signInByLink,
  signInMail,
} from '../support/email-sign-in.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { addApp, completeLogin, encryptionKeys } from '../support/second-factor.ts';

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

describe('the tries at second factors', () => {
  it('are those of the owner again, also if that person used them up', async () => {
    const api = await startApi({ encryptionKeys, attempts: { perAccount: 2 } });
    const squatter = await api.signUp(email);
    await addApp(api, squatter);
    const guess = 'mutation { reauthenticate(answer: { totpCode: "wrong" }) { ... on UserError { code } } }';
    for (let time = 0; time < 2; time += 1) await squatter.ask(guess);
    expect((await squatter.ask(guess)).reauthenticate.code).toBe('RATE_LIMITED');
    await api.client().act('requestPasswordReset', { email });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const newPassword = 'a quite different passphrase';
    await api.client().act('resetPassword', { token, newPassword });
    const owner = api.client();
    await owner.login(email, 'COOKIE', newPassword);
    await addApp(api, owner);
  });
});

describe('a reset of the factors that such a person has asked for', () => {
  it('removes no factor of the owner', async () => {
    const api = await startApi({ encryptionKeys });
    await addApp(api, await api.signUp(email));
    const { id } = await api.database.user.findUniqueOrThrow({ where: { email } });
    await requestFactorReset(api.database, commandScope(api.clock.now), { id, reason: 'LOST' }, api.config);
    await api.client().act('requestPasswordReset', { email });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const newPassword = 'a quite different passphrase';
    await api.client().act('resetPassword', { token, newPassword });
    const owner = api.client();
    await owner.login(email, 'COOKIE', newPassword);
    await addApp(api, owner);
    pass(api, api.config.factorResetDelayMs);
    await maintain(api.database, api.config, { now: () => api.clock.now, stop: () => {} });
    expect(await api.database.authenticatorApp.count()).toBe(1);
  });
});

describe('a sign-in by email to such an account', () => {
  it.each(['code', 'link'])('removes the same, by a %s, and asks for no factor of that person', async (by) => {
    const api = await startApi(byEmail);
    const squatter = await api.signUp(email);
    const app = await addApp(api, squatter);
    const undo = tokenIn(await deliverMail(api), 'factors-changed');
    const waiting = api.client();
    const { challenge } = await waiting.login(email);
    const owner = api.client();
    const mailed = await mailedSignIn(api, owner, email);
    const result = by === 'code' ? await signInByCode(owner, mailed) : await signInByLink(owner, mailed.token);
    expect(result).toMatchObject({ __typename: 'SignInPayload', viewer: { email } });
    expect(await api.database.authenticatorApp.count()).toBe(0);
    expect(await api.database.recoveryCode.count()).toBe(0);
    expect(await api.database.user.findFirstOrThrow()).toMatchObject({
      secondFactorSince: null,
      emailVerifiedAt: api.clock.now,
      hashedPassword: null,
    });
    expect(await isSignedIn(squatter)).toBe(false);
    pass(api, 30_000);
    expect(await completeLogin(waiting, challenge, { totpCode: app.code() })).toMatchObject({
      code: 'CHALLENGE_INVALID',
    });
    const undone = await api.client().act('undoChange', { token: undo }, '... on UserError { code }');
    expect(undone).toMatchObject({ code: 'TOKEN_INVALID' });
    const events = await eventsOf(api);
    for (const type of ['FACTORS_RESET', 'PASSWORD_REMOVED', 'EMAIL_VERIFIED']) expect(events).toContain(type);
    // The owner goes on as in any other account.
    const again = api.client();
    expect(await signInByCode(again, await mailedSignIn(api, again, email))).toMatchObject({ viewer: { email } });
    expect(await isSignedIn(owner)).toBe(true);
  });

  it('asks for the factor if the address was proved after the request, and keeps everything', async () => {
    const api = await startApi(byEmail);
    const ada = await api.signUp(email);
    await addApp(api, ada);
    await deliverMail(api);
    const thief = api.client();
    const { challenge } = await requestSignIn(thief, email);
    const { code } = await signInMail(api);
    await api.database.user.update({ where: { email }, data: { emailVerifiedAt: api.clock.now } });
    expect(await signInByCode(thief, { challenge, code })).toMatchObject({ __typename: 'SecondFactorRequired' });
    expect(await api.database.authenticatorApp.count()).toBe(1);
    expect(await isSignedIn(ada)).toBe(true);
    expect(await eventsOf(api)).not.toContain('FACTORS_RESET');
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
    const reached: string[] = [];
    onTestFinished(reachedLimits.subscribe(({ limit }) => reached.push(limit)));
    expect(await create()).toBe('RATE_LIMITED');
    // The name is a label of a metric: it does not contain the user.
    expect(reached).toEqual(['factor-changes']);
    api.clock.now = new Date(api.clock.now.getTime() + 24 * 3_600_000);
    expect(await api.database.accountChange.count()).toBe(2);
  });
});
