import { describe, expect, it } from 'vitest';
import { type Client, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { addApp, completeLogin, confirmApp, encryptionKeys, nextCode, startApp } from '../support/second-factor.ts';

const email = 'ada@example.com';

async function start(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  const ada = await api.signUp(email);
  return { api, ada };
}

const isSignedIn = async (client: Client) => (await client.ask('{ viewer { id } }')).viewer !== null;

const liveSessions = (api: TestApi) => api.database.session.findMany({ where: { hashedSessionToken: { not: null } } });

describe('login with a second factor', () => {
  it('starts no session before the second factor, and then one with both proofs', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const other = api.client();
    const required = await other.login(email);
    expect(required).toMatchObject({ __typename: 'SecondFactorRequired', methods: ['TOTP', 'RECOVERY_CODE'] });
    expect(await isSignedIn(other)).toBe(false);
    expect(await liveSessions(api)).toHaveLength(1);
    const signedIn = await completeLogin(other, required.challenge, { totpCode: app.code() });
    expect(signedIn).toMatchObject({ __typename: 'SignInPayload', viewer: { email } });
    expect(await isSignedIn(other)).toBe(true);
    const [, session] = await liveSessions(api);
    expect(session).toMatchObject({ authenticationMethods: 'password totp', transport: 'COOKIE' });
  });

  it('refuses a wrong code, and keeps the challenge', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const other = api.client();
    const { challenge } = await other.login(email);
    const wrong = app.code() === '000000' ? '000001' : '000000';
    expect(await completeLogin(other, challenge, { totpCode: wrong })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await completeLogin(other, challenge, { totpCode: app.code() })).toMatchObject({ viewer: { email } });
  });

  it('accepts each code once, also of many requests at once', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = api.client();
        return { client, challenge: (await client.login(email)).challenge };
      }),
    );
    const code = app.code();
    const results = await Promise.all(
      clients.map(({ client, challenge }) => completeLogin(client, challenge, { totpCode: code })),
    );
    expect(results.filter(({ __typename }) => __typename === 'SignInPayload')).toHaveLength(1);
    expect(await liveSessions(api)).toHaveLength(2);
  });

  it('uses each challenge once, and tells the reason', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const other = api.client();
    const { challenge } = await other.login(email);
    await completeLogin(other, challenge, { totpCode: app.code() });
    nextCode(api);
    const again = await completeLogin(other, challenge, { totpCode: app.code() });
    expect(again).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'USED' });
    const unknown = await completeLogin(other, `${challenge.slice(0, -1)}_`, { totpCode: app.code() });
    expect(unknown).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'UNKNOWN' });
  });

  it('binds the challenge to the device, for ten minutes', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const other = api.client();
    const { challenge } = await other.login(email);
    const thief = await completeLogin(api.client(), challenge, { totpCode: app.code() });
    expect(thief).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'OTHER_DEVICE' });
    api.clock.now = new Date(api.clock.now.getTime() + 10 * 60_000);
    const late = await completeLogin(other, challenge, { totpCode: app.code() });
    expect(late).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'EXPIRED' });
  });

  it('binds the challenge of a program to its device token, if it sends one', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const program = api.client();
    const first = await program.login(email, 'BEARER');
    // Without a token, the secret alone binds it.
    const { deviceToken } = await completeLogin(api.client(), first.challenge, { totpCode: app.code() });
    nextCode(api);
    program.deviceToken = deviceToken;
    const { challenge } = await program.login(email, 'BEARER');
    const thief = await completeLogin(api.client(), challenge, { totpCode: app.code() });
    expect(thief).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'OTHER_DEVICE' });
    const own = await completeLogin(program, challenge, { totpCode: app.code() });
    expect(own).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('ends when the password changes meanwhile', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const other = api.client();
    const { challenge } = await other.login(email);
    await ada.act('changePassword', { currentPassword: password, newPassword: 'a quite different passphrase' });
    const late = await completeLogin(other, challenge, { totpCode: app.code() });
    expect(late).toMatchObject({ code: 'CHALLENGE_INVALID' });
  });

  it('counts wrong codes of a thief who has the password, also over many challenges', async () => {
    const { api, ada } = await start({ attempts: { perAccount: 3 } });
    const app = await addApp(api, ada);
    const results: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      const thief = api.client();
      const { challenge } = await thief.login(email);
      const wrong = app.code() === '000000' ? '000001' : '000000';
      results.push((await completeLogin(thief, challenge, { totpCode: wrong })).code);
    }
    expect(results.slice(0, 3)).toEqual(Array(3).fill('INVALID_CREDENTIALS'));
    expect(results.slice(3)).toEqual(Array(3).fill('RATE_LIMITED'));
    // The owner, on a trusted device, is not locked out.
    const { challenge } = await ada.login(email);
    expect((await completeLogin(ada, challenge, { totpCode: app.code() })).__typename).toBe('SignInPayload');
  });

  it('is skipped for 30 days on a device that the user trusts', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const other = api.client();
    const { challenge } = await other.login(email);
    await completeLogin(other, challenge, { totpCode: app.code() }, true);
    expect(await other.login(email)).toMatchObject({ __typename: 'SignInPayload' });
    const sessions = await liveSessions(api);
    expect(sessions.at(-1)?.authenticationMethods).toBe('password trusted_device');
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SecondFactorRequired' });
    api.clock.now = new Date(api.clock.now.getTime() + 30 * 86_400_000);
    expect(await other.login(email)).toMatchObject({ __typename: 'SecondFactorRequired' });
  });

  it('keeps the choice not to be remembered', async () => {
    const { api, ada } = await start();
    const app = await addApp(api, ada);
    const other = api.client();
    const login = `mutation ($email: String!, $password: String!) {
      login(email: $email, password: $password, remember: false) { ... on SecondFactorRequired { challenge } } }`;
    const { challenge } = (await other.ask(login, { email, password })).login;
    await completeLogin(other, challenge, { totpCode: app.code() });
    const sessions = await liveSessions(api);
    expect(sessions.at(-1)?.lifetimeEndsAt).not.toBeNull();
  });
});

describe('an authenticator app', () => {
  it('ends the sessions without a second factor when it is added', async () => {
    const { api, ada } = await start();
    const other = api.client();
    await other.login(email);
    await addApp(api, ada);
    expect(await isSignedIn(ada)).toBe(true);
    expect(await isSignedIn(other)).toBe(false);
    const ended = await api.database.session.findMany({ where: { hashedSessionToken: null } });
    expect(ended.map(({ endReason }) => endReason)).toEqual(['SECOND_FACTOR_REQUIRED']);
  });

  it('needs a code before it counts', async () => {
    const { api, ada } = await start();
    const own = async () => (await ada.ask('{ viewer { authenticatorApp { createdAt } } }')).viewer.authenticatorApp;
    const { challenge, app, uri, qrCode } = await startApp(api, ada);
    expect(uri).toMatch(/^otpauth:\/\/totp\/localhost:ada%40example\.com\?issuer=localhost&secret=/);
    expect(qrCode).toMatch(/^<svg /);
    const wrong = app.code() === '000000' ? '000001' : '000000';
    expect(await confirmApp(ada, { challenge, code: wrong })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await own()).toBeNull();
    expect(await confirmApp(ada, { challenge, code: app.code() })).toMatchObject({ viewer: { email }, passkey: null });
    expect(await own()).toEqual({ createdAt: api.clock.now.toISOString() });
  });

  it('is stored encrypted', async () => {
    const { api, ada } = await start();
    const { challenge, app, secret } = await startApp(api, ada);
    await confirmApp(ada, { challenge, code: app.code() });
    const rows = [await api.database.authenticatorApp.findMany(), await api.database.challenge.findMany()];
    expect(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).not.toContain(secret);
  });

  it('cannot be added without encryption keys, or without a recent proof', async () => {
    const { api, ada } = await start({ encryptionKeys: null });
    expect(await startApp(api, ada)).toMatchObject({ code: 'ENCRYPTION_KEYS_MISSING' });
    const { api: other, ada: grace } = await start();
    other.clock.now = new Date(other.clock.now.getTime() + 16 * 60_000);
    expect(await startApp(other, grace)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
  });

  it('is added as a part of the sign-in, where the role needs a second factor', async () => {
    const { api, ada } = await start({ secondFactor: { requiredRoles: new Set(['admin']) } });
    await api.database.user.update({ where: { email }, data: { role: 'admin' } });
    // A session from before the role opens nothing.
    expect(await isSignedIn(ada)).toBe(false);
    const other = api.client();
    const required = await other.login(email);
    expect(required).toMatchObject({ __typename: 'SecondFactorEnrolmentRequired' });
    const { challenge, app } = await startApp(api, other, required.challenge);
    const signIn = required.challenge;
    expect(await confirmApp(other, { challenge, code: app.code(), signIn })).toMatchObject({ viewer: { email } });
    expect(await isSignedIn(other)).toBe(true);
    nextCode(api);
    const next = await api.client().login(email);
    expect(next).toMatchObject({ __typename: 'SecondFactorRequired', methods: ['TOTP', 'RECOVERY_CODE'] });
    // The password alone replaces no app.
    expect(await startApp(api, api.client(), next.challenge)).toMatchObject({ code: 'CHALLENGE_INVALID' });
  });
});
