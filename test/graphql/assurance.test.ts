import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { type Client, type Settings, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { type App, addApp, completeLogin, confirmApp, nextCode, startApp } from '../support/second-factor.ts';

const { encryptionKeys, secondFactor, sessions } = readConfig({
  ASSURANCE: '2',
  ENCRYPTION_KEYS: createEncryptionKey(),
});
const level2 = { encryptionKeys, secondFactor, sessions };
const email = 'ada@example.com';
const hourMs = 3_600_000;

const isSignedIn = async (client: Client) => (await client.ask('{ viewer { id } }')).viewer !== null;

/** Signs up at level 2: the sign-up ends with the addition of an app. */
async function signUp(api: TestApi, client: Client): Promise<App> {
  const required = await client.signUp(email);
  expect(required).toMatchObject({ __typename: 'SecondFactorEnrolmentRequired' });
  const signIn = required.challenge;
  const { challenge, app } = await startApp(api, client, signIn);
  expect(await confirmApp(client, { challenge, code: app.code(), signIn })).toMatchObject({ viewer: { email } });
  nextCode(api);
  return app;
}

async function start(settings: Settings = level2) {
  const api = await startApi(settings);
  const ada = api.client();
  return { api, ada, app: await signUp(api, ada) };
}

describe('a server with ASSURANCE=2', () => {
  it('asks for the second factor on every device, also on one that the user trusts', async () => {
    const { api, ada, app } = await start();
    const login = `mutation { login(email: "${email}", password: "correct horse battery staple") {
      ... on SecondFactorRequired { challenge canTrustDevice } } }`;
    const { challenge, canTrustDevice } = (await ada.ask(login)).login;
    expect(canTrustDevice).toBe(false);
    const signedIn = await completeLogin(ada, challenge, { totpCode: app.code() }, true);
    expect(signedIn).toMatchObject({ __typename: 'SignInPayload' });
    const devices = await api.database.userToken.findMany({ where: { purpose: 'KNOWN_DEVICE' } });
    expect(devices.map(({ data }) => data).join()).not.toContain('noSecondFactorUntil');
    expect(await ada.login(email)).toMatchObject({ __typename: 'SecondFactorRequired' });
  });

  it('rejects a session that began on a trusted device, and the trust itself, from before the setting', async () => {
    const api = await startApi({ encryptionKeys });
    const ada = await api.signUp(email);
    const app = await addApp(api, ada);
    const { challenge } = await ada.login(email);
    await completeLogin(ada, challenge, { totpCode: app.code() }, true);
    await ada.login(email);
    expect(await isSignedIn(ada)).toBe(true);
    api.config.secondFactor = secondFactor;
    expect(await isSignedIn(ada)).toBe(false);
    expect(await ada.login(email)).toMatchObject({ __typename: 'SecondFactorRequired' });
  });

  it('ends sessions after an hour without use, and after a day in any case', async () => {
    const { api, ada } = await start();
    const pass = (ms: number) => {
      api.clock.now = new Date(api.clock.now.getTime() + ms);
    };
    for (let used = 0; used < 23; used += 0.5) {
      pass(hourMs / 2);
      expect(await isSignedIn(ada)).toBe(true);
    }
    pass(hourMs);
    expect(await isSignedIn(ada)).toBe(false);
    const { api: other, ada: idle } = await start();
    other.clock.now = new Date(other.clock.now.getTime() + hourMs);
    expect(await isSignedIn(idle)).toBe(false);
  });

  it('asks for the second factor after a reset of the password', async () => {
    const { api, app } = await start();
    await api.database.user.updateMany({ data: { emailVerifiedAt: api.clock.now } });
    const thief = api.client();
    await thief.act('requestPasswordReset', { email });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const reset = `mutation ($token: String!, $newPassword: String!) {
      resetPassword(token: $token, newPassword: $newPassword) {
        __typename ... on SecondFactorRequired { challenge } } }`;
    const { resetPassword } = await thief.ask(reset, { token, newPassword: 'a quite different passphrase' });
    expect(resetPassword.__typename).toBe('SecondFactorRequired');
    expect(await isSignedIn(thief)).toBe(false);
    const { challenge } = resetPassword;
    expect(await completeLogin(thief, challenge, { totpCode: app.code() })).toMatchObject({ viewer: { email } });
  });

  it('lets a session add no factor without a recent proof of both factors', async () => {
    const { api, ada } = await start();
    api.clock.now = new Date(api.clock.now.getTime() + 16 * 60_000);
    expect(await startApp(api, ada)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    await ada.act('reauthenticate', { password: 'correct horse battery staple' });
    expect(await startApp(api, ada)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
  });

  it('records each factor with its time and device, and deletes the factors with the account', async () => {
    const { api, ada } = await start();
    const [added] = await api.database.auditEvent.findMany({ where: { type: 'FACTOR_ADDED' } });
    const user = await api.database.user.findUniqueOrThrow({ where: { email } });
    expect(added).toMatchObject({ userId: user.id, detail: 'TOTP', actorId: user.id });
    await ada.act('deleteAccount', { password: 'correct horse battery staple' });
    expect(await api.database.user.count()).toBe(0);
    expect(await api.database.authenticatorApp.count()).toBe(0);
  });
});
