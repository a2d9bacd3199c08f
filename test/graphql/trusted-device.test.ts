import { describe, expect, it } from 'vitest';
import { deviceLifetimeMs } from '../../src/tokens/trusted-device.ts';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';
import { textOf } from '../support/text.ts';

const wrong = 'not the right password';
const email = 'ada@example.com';
const logout = 'mutation { logout { revokedSessionId } }';

async function guess(client: Client, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await client.login(email, 'BEARER', wrong);
}

/** Returns a trusted device of Ada: she has signed in on it, and out again. */
async function knownDevice(api: TestApi, transport: 'COOKIE' | 'BEARER'): Promise<Client> {
  const device = await api.signUp(email, transport);
  await device.ask(logout);
  device.token = null;
  return device;
}

describe('trusted device', () => {
  it.each(['COOKIE', 'BEARER'] as const)(
    'by %s is not locked out by a hundred guesses of strangers',
    async (transport) => {
      const api = await startApi();
      const device = await knownDevice(api, transport);
      await guess(api.client(), 100);
      expect(await api.client().login(email)).toMatchObject({ code: 'RATE_LIMITED' });
      expect(await device.login(email, transport)).toMatchObject({ __typename: 'SignInPayload' });
    },
  );

  it('is recognized by a cookie that no script can read, or by a token that is given once', async () => {
    const api = await startApi();
    const browser = await knownDevice(api, 'COOKIE');
    expect(browser.deviceCookie).toMatch(/^device=[0-9a-f]{32}\.[\w-]{43}$/);
    expect(browser.deviceToken).toBeNull();
    const program = api.client();
    const { deviceToken } = await program.login(email, 'BEARER');
    expect(deviceToken).toMatch(/^[0-9a-f]{32}\.[\w-]{43}$/);
    expect(program.deviceCookie).toBeNull();
    expect(await program.login(email, 'BEARER')).toMatchObject({ deviceToken: null });
    const cookie = browser.deviceCookie;
    await browser.login(email);
    expect(browser.deviceCookie).toBe(cookie);
    expect(await api.database.userToken.count()).toBe(2);
    const rows = textOf(await api.database.userToken.findMany());
    expect(rows).not.toContain(deviceToken);
  });

  it('has a Secure and __Host- cookie over https', async () => {
    const api = await startApi({ publicUrl: new URL('https://accounts.example.com') });
    const { headers } = await api
      .client()
      .send(`mutation { signUp(email: "${email}", password: "correct horse battery staple") { __typename } }`);
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-session=.+; Secure$/),
      expect.stringMatching(/^__Host-device=[\w.-]+; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax; Secure$/),
    ]);
  });

  it('has to wait for its own wrong guesses, which count apart from those of strangers', async () => {
    const api = await startApi();
    const device = await knownDevice(api, 'BEARER');
    await guess(device, 10);
    expect(await device.login(email)).toMatchObject({ retryAfterSeconds: 30 });
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('is not recognized for another account, by half a token, by two, or by the token of a session', async () => {
    const api = await startApi();
    await api.signUp(email);
    const eve = await api.signUp('eve@example.com', 'BEARER');
    const ada = await api.client();
    const { deviceToken, token } = await ada.login(email, 'BEARER');
    await guess(api.client(), 10);
    const flipped = `${deviceToken}`.slice(0, -1) + (`${deviceToken}`.endsWith('A') ? 'E' : 'A');
    const others = [
      eve.deviceToken,
      flipped,
      `${deviceToken}`.slice(0, -1),
      `${deviceToken}`.split('.')[0],
      token,
      'x',
      '',
    ];
    for (const other of others) {
      const stranger = Object.assign(api.client(), { deviceToken: other });
      expect(await stranger.login(email)).toMatchObject({ code: 'RATE_LIMITED' });
    }
    for (const both of [
      [deviceToken, eve.deviceToken],
      [eve.deviceToken, deviceToken],
    ]) {
      const deviceCookie = both.map((value) => `device=${value}`).join('; ');
      expect(await Object.assign(api.client(), { deviceCookie }).login(email)).toMatchObject({ code: 'RATE_LIMITED' });
    }
    expect(await ada.login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('grants no access', async () => {
    const api = await startApi();
    const device = await knownDevice(api, 'BEARER');
    const stranger = Object.assign(api.client(), {
      token: device.deviceToken,
      cookie: `session=${device.deviceToken}`,
    });
    expect(await stranger.ask('{ viewer { id } }')).toEqual({ viewer: null });
    expect(await device.login(email, 'BEARER', wrong)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  it('does not count for its address, which it may share with strangers', async () => {
    const api = await startApi({ attempts: { perAccount: 10, perAddress: 2, signUpsPerAddress: 10 } });
    const device = Object.assign(await knownDevice(api, 'COOKIE'), { address: '203.0.113.7' });
    await guess(Object.assign(api.client(), { address: '203.0.113.7' }), 3);
    expect(await Object.assign(api.client(), { address: '203.0.113.7' }).login(email)).toMatchObject({
      code: 'RATE_LIMITED',
    });
    expect(await device.login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('expires after 400 days, and is deleted when fifty others were used since', async () => {
    const api = await startApi();
    const device = await knownDevice(api, 'BEARER');
    for (let other = 0; other < 50; other += 1) await api.client().login(email, 'BEARER');
    expect(await api.database.userToken.count()).toBe(50);
    const { deviceToken } = await device.login(email, 'BEARER');
    expect(deviceToken).not.toBeNull();
    api.clock.now = new Date(api.clock.now.getTime() + deviceLifetimeMs - 1);
    expect((await device.login(email, 'BEARER')).deviceToken).toBeNull();
    api.clock.now = new Date(api.clock.now.getTime() + 1);
    expect((await device.login(email, 'BEARER')).deviceToken).not.toBeNull();
  });

  it('is revoked when the password is changed on another one, which stays trusted', async () => {
    const api = await startApi();
    const thief = await knownDevice(api, 'BEARER');
    const ada = api.client();
    await ada.login(email, 'BEARER');
    const fresh = 'another horse, another staple';
    await ada.act('changePassword', { currentPassword: password, newPassword: fresh });
    await guess(thief, 12);
    await ada.ask(logout);
    ada.token = null;
    expect(await thief.login(email, 'BEARER', fresh)).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await ada.login(email, 'BEARER', fresh)).toMatchObject({ __typename: 'SignInPayload' });
  });
});
