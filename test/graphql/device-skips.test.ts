import { describe, expect, it } from 'vitest';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';
import { type App, addApp, completeLogin, encryptionKeys, nextCode } from '../support/second-factor.ts';

const email = 'ada@example.com';
const day = 86_400_000;
const changed = 'another staple of the horse battery';

type Setting = { api: TestApi; ada: Client; app: App; other: Client };

/** An account with an app, and another device that skips the second factor. */
async function start(): Promise<Setting> {
  const api = await startApi({ encryptionKeys });
  const ada = await api.signUp(email);
  const app = await addApp(api, ada);
  const other = api.client();
  const { challenge } = await other.login(email);
  await completeLogin(other, challenge, { totpCode: app.code() }, true);
  nextCode(api);
  return { api, ada, app, other };
}

async function skipsOf(client: Client): Promise<(string | null)[]> {
  const { viewer } = await client.ask('{ viewer { trustedDevices { id isCurrent skipsSecondFactorUntil } } }');
  return viewer.trustedDevices.map(
    (device: { skipsSecondFactorUntil: string | null }) => device.skipsSecondFactorUntil,
  );
}

async function forgetDevice({ other }: Setting): Promise<void> {
  const { viewer } = await other.ask('{ viewer { trustedDevices { id isCurrent } } }');
  const { id } = viewer.trustedDevices.find((device: { isCurrent: boolean }) => device.isCurrent);
  await other.act('forgetDevice', { id });
}

async function resetPassword({ api }: Setting): Promise<void> {
  await api.database.user.updateMany({ data: { emailVerifiedAt: api.clock.now } });
  await api.client().act('requestPasswordReset', { email });
  const token = tokenIn(await deliverMail(api), 'reset-password');
  expect(await api.client().act('resetPassword', { token, newPassword: changed })).toMatchObject({
    __typename: 'SecondFactorRequired',
  });
}

async function undo({ api, ada, app, other }: Setting): Promise<void> {
  await api.database.user.updateMany({ data: { emailVerifiedAt: api.clock.now } });
  await ada.act('changePassword', { currentPassword: password, newPassword: changed });
  const token = tokenIn(await deliverMail(api), 'password-changed');
  // The change has forgotten the device.
  const { challenge } = await other.login(email, 'COOKIE', changed);
  await completeLogin(other, challenge, { totpCode: app.code() }, true);
  expect(await api.client().act('undoChange', { token })).toMatchObject({ __typename: 'UndoChangePayload' });
}

async function disownSession({ api, app }: Setting): Promise<void> {
  await deliverMail(api);
  nextCode(api);
  const stranger = api.client();
  const { challenge } = await stranger.login(email);
  await completeLogin(stranger, challenge, { totpCode: app.code() });
  const token = tokenIn(await deliverMail(api), 'new-device');
  expect(await api.client().act('disownSession', { token })).toMatchObject({ __typename: 'DisownSessionPayload' });
}

async function replaceApp({ api, ada }: Setting): Promise<void> {
  await addApp(api, ada);
}

async function createRecoveryCodes({ ada }: Setting): Promise<void> {
  expect(await ada.act('createRecoveryCodes')).toMatchObject({ __typename: 'CreateRecoveryCodesPayload' });
}

async function turnOffAndOn({ api, ada }: Setting): Promise<void> {
  const app = await api.database.authenticatorApp.findFirstOrThrow();
  await api.database.authenticatorApp.deleteMany();
  await ada.ask('mutation { requireSecondFactor(required: false) { __typename } }');
  await api.database.authenticatorApp.create({ data: app });
  await ada.ask('mutation { requireSecondFactor(required: true) { __typename } }');
}

const acts = { forgetDevice, resetPassword, undo, disownSession, replaceApp, createRecoveryCodes, turnOffAndOn };

describe('the skip of the second factor', () => {
  it('is listed for 30 days, and not for other devices', async () => {
    const { api, other } = await start();
    const until = new Date(api.clock.now.getTime() - 30_000 + 30 * day).toISOString();
    expect(await skipsOf(other)).toEqual([until, null]);
    api.clock.now = new Date(api.clock.now.getTime() + 6 * day);
    // A further sign-in does not extend it.
    expect(await other.login(email)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await skipsOf(other)).toEqual([until, null]);
    api.clock.now = new Date(api.clock.now.getTime() + 24 * day);
    expect(await other.login(email)).toMatchObject({ __typename: 'SecondFactorRequired' });
  });

  it('needs the password all the same', async () => {
    const { other } = await start();
    expect(await other.login(email, 'COOKIE', 'wrong')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  it.each(Object.entries(acts))('ends by %s', async (_name, act) => {
    const setting = await start();
    const { api, other } = setting;
    expect(await other.login(email)).toMatchObject({ __typename: 'SignInPayload' });
    await act(setting);
    const secret = act === resetPassword ? changed : password;
    const { __typename } = await other.login(email, 'COOKIE', secret);
    expect(__typename).toBe('SecondFactorRequired');
    const devices = await api.database.userToken.findMany({ where: { purpose: 'KNOWN_DEVICE' } });
    expect(devices.filter(({ data }) => data?.includes('noSecondFactorUntil'))).toEqual([]);
  });

  it('does not return by sign-ins at the same time', async () => {
    const setting = await start();
    const { api, other } = setting;
    const logins = Array.from({ length: 4 }, () => other.login(email));
    await Promise.all([...logins, createRecoveryCodes(setting)]);
    expect(await other.login(email)).toMatchObject({ __typename: 'SecondFactorRequired' });
    expect(api.reported).toEqual([]);
  });
});
