import { describe, expect, it } from 'vitest';
import { reencryptKeptFactors } from '../../src/factors/changes/reencrypt.ts';
import { changeEmail, changePassword, loginOutcome, signUpProved, undo } from '../support/account-changes.ts';
import { type Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { type Delivered, deliverMail, tokenIn } from '../support/mail.ts';
import {
  type App,
  addApp,
  completeLogin,
  confirmApp,
  encryptionKeys,
  nextCode,
  startApp,
} from '../support/second-factor.ts';

const ada = 'ada@example.com';
const thief = 'thief@example.net';
const stolen = 'password of the thief';
const refused = '... on UserError { code message }';
const hour = 3_600_000;

async function start(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  return { api, owner: await signUpProved(api, ada) };
}

function later(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

async function factorMail(api: TestApi): Promise<Delivered> {
  const mails = (await deliverMail(api)).filter(({ name }) => name === 'factors-changed');
  expect(mails).toHaveLength(1);
  return mails[0] ?? expect.fail();
}

const fields = '... on UndoChangePayload { email hasPassword hasSecondFactor } ... on UserError { code message }';

/** Undoes a change by its link, with the password from before it or without the factors. */
async function undoWith(api: TestApi, { token }: Delivered, options: { password?: string; keepFactors?: boolean }) {
  const mutation = `mutation ($token: String!, $password: String, $keepFactors: Boolean! = false) {
    undoChange(token: $token, password: $password, keepFactors: $keepFactors) { __typename ${fields} } }`;
  return (await api.client().ask(mutation, { token, ...options })).undoChange as Data;
}

/** Signs in with the password and a code. Returns the name of the result's type, or the code of the refusal. */
async function signInWith(api: TestApi, app: App, secret = password): Promise<string> {
  nextCode(api);
  const client = api.client();
  const { challenge, __typename, code } = await client.login(ada, 'BEARER', secret);
  if (challenge === undefined) return code ?? __typename;
  const result = await completeLogin(client, challenge, { totpCode: app.code() });
  return result.code ?? result.__typename;
}

const countOfApps = ({ database }: TestApi) => database.authenticatorApp.count();

describe('mail about a changed factor', () => {
  it('is sent when an app is added or replaced, with a link to undo it', async () => {
    const { api, owner } = await start();
    await addApp(api, owner);
    const added = await factorMail(api);
    expect(added).toMatchObject({ to: ada });
    expect(added.text).toContain('The authenticator app of the account of ada@example.com was added.');
    expect(added.html).toContain('authenticator app of the account of ada@example.com was added.');
    await addApp(api, owner);
    expect((await factorMail(api)).text).toContain('was replaced by another one.');
    expect(api.reported).toEqual([]);
  });
});

describe('undo of a changed factor', () => {
  it('removes the app of a thief, who locked the owner out, with the password from before', async () => {
    const { api, owner } = await start();
    const robber = api.client();
    await robber.login(ada, 'BEARER');
    await addApp(api, robber);
    const link = await factorMail(api);
    expect((await owner.ask('{ viewer { id } }')).viewer).toBeNull();
    expect(await undoWith(api, link, { password })).toEqual({
      __typename: 'UndoChangePayload',
      email: ada,
      hasPassword: true,
      hasSecondFactor: false,
    });
    expect(await countOfApps(api)).toBe(0);
    expect((await robber.ask('{ viewer { id } }')).viewer).toBeNull();
    const mails = await deliverMail(api);
    expect(mails.map(({ name, to }) => ({ name, to }))).toEqual([{ name: 'change-undone', to: ada }]);
    expect(await loginOutcome(api, ada, password)).toBe('SignInPayload');
    const event = await api.database.auditEvent.findFirstOrThrow({ where: { type: 'CHANGE_UNDONE' } });
    expect(event.detail).toBe('FACTOR_ADDED');
    // Once only.
    expect(await undoWith(api, link, { password })).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('takes no second factor away from a reader of the mailbox, also after a new password by mail', async () => {
    const { api, owner } = await start();
    const app = await addApp(api, owner);
    const link = await factorMail(api);
    expect(await undoWith(api, link, {})).toMatchObject({
      code: 'INVALID_CREDENTIALS',
      message: expect.stringContaining('keepFactors: true'),
    });
    await api.client().act('requestPasswordReset', { email: ada });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    await api.client().act('resetPassword', { token, newPassword: stolen, transport: 'BEARER' }, refused);
    const reset = (await deliverMail(api)).find(({ name }) => name === 'password-changed') ?? expect.fail();
    expect(await undoWith(api, link, { password: stolen })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await undoWith(api, link, {})).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await countOfApps(api)).toBe(1);
    expect(await loginOutcome(api, ada, stolen)).toBe('SecondFactorRequired');
    // The undo of the new password changes no factor, and needs no proof.
    expect(await undoWith(api, reset, {})).toMatchObject({ hasPassword: true, hasSecondFactor: true });
    expect(await signInWith(api, app)).toBe('SignInPayload');
    // The owner, who knows the password from before, still could.
    expect(await undoWith(api, link, { password })).toMatchObject({ hasSecondFactor: false });
  });

  it('counts wrong passwords for the link alone', async () => {
    const { api, owner } = await start({ attempts: { perAccount: 3 } });
    const app = await addApp(api, owner);
    const link = await factorMail(api);
    const codes: string[] = [];
    for (let n = 0; n < 5; n += 1) codes.push((await undoWith(api, link, { password: stolen })).code);
    expect(codes).toEqual([...Array(3).fill('INVALID_CREDENTIALS'), 'RATE_LIMITED', 'RATE_LIMITED']);
    expect(await owner.act('reauthenticate', { password })).toMatchObject({ __typename: 'ReauthenticatePayload' });
    expect(await signInWith(api, app)).toBe('SignInPayload');
  });

  it('gives the owner a replaced app back, and voids that of the thief', async () => {
    const { api, owner } = await start();
    const app = await addApp(api, owner);
    await deliverMail(api);
    const stolenApp = await addApp(api, owner);
    const link = await factorMail(api);
    expect(await undoWith(api, link, { password })).toMatchObject({ hasSecondFactor: true });
    expect(await countOfApps(api)).toBe(1);
    expect(await signInWith(api, stolenApp)).toBe('INVALID_CREDENTIALS');
    expect(await signInWith(api, app)).toBe('SignInPayload');
    expect(api.reported).toEqual([]);
  });

  it('accepts no code again that was used before the undo', async () => {
    const { api, owner } = await start();
    const app = await addApp(api, owner);
    await deliverMail(api);
    const passwordLink = await changePassword(api, owner, [password, stolen]);
    const client = api.client();
    const first = await client.login(ada, 'BEARER', stolen);
    const used = app.code();
    expect(await completeLogin(client, first.challenge, { totpCode: used })).toMatchObject({ viewer: { email: ada } });
    await addApp(api, client);
    await deliverMail(api);
    later(api, -30_000);
    expect(await undoWith(api, passwordLink, { password })).toMatchObject({ hasPassword: true });
    const again = await client.login(ada, 'BEARER');
    expect(await completeLogin(client, again.challenge, { totpCode: used })).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
  });

  it('takes a whole takeover back by the first link, and later links are void', async () => {
    const { api, owner } = await start();
    const app = await addApp(api, owner);
    await deliverMail(api);
    later(api, 73 * hour);
    const robber = api.client();
    const { challenge } = await robber.login(ada, 'BEARER');
    await completeLogin(robber, challenge, { totpCode: app.code() });
    nextCode(api);
    await addApp(api, robber);
    const first = await factorMail(api);
    const second = await changePassword(api, robber, [password, stolen]);
    const third = await changeEmail(api, robber, thief, stolen);
    expect(await undoWith(api, first, { password })).toMatchObject({
      email: ada,
      hasPassword: true,
      hasSecondFactor: true,
    });
    for (const link of [second, third])
      expect(await undoWith(api, link, { password })).toMatchObject({ code: 'TOKEN_INVALID' });
    expect(await signInWith(api, app)).toBe('SignInPayload');
  });

  it('gives the address back without the password, if the factors stay', async () => {
    const { api, owner } = await start();
    const first = await changeEmail(api, owner, thief);
    await addApp(api, owner);
    const link = await factorMail(api);
    expect(await undoWith(api, first, {})).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await undoWith(api, first, { keepFactors: true })).toMatchObject({ email: ada, hasSecondFactor: true });
    expect(await countOfApps(api)).toBe(1);
    const undone = (await deliverMail(api)).find(({ name }) => name === 'change-undone');
    expect(undone?.text).toContain('it asks for a second factor');
    // The later change went with it.
    expect(await undoWith(api, link, { password })).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('lets the thief, who knows the restored password, add no app again', async () => {
    const { api, owner } = await start();
    await addApp(api, owner);
    await undoWith(api, await factorMail(api), { password });
    const robber = api.client();
    await robber.login(ada, 'BEARER');
    const { challenge, app } = await startApp(api, robber);
    expect(await confirmApp(robber, { challenge, code: app.code() })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await countOfApps(api)).toBe(0);
    const token = tokenIn(await deliverMail(api), 'change-undone');
    const fresh = await owner.act(
      'resetPassword',
      { token, newPassword: stolen, transport: 'BEARER' },
      '... on SignInPayload { token }',
    );
    await addApp(api, Object.assign(api.client(), { token: fresh.token }) as Client);
    expect(await countOfApps(api)).toBe(1);
  });

  it('leaves the factors of a change by an earlier version as they are', async () => {
    const { api, owner } = await start();
    const link = await changePassword(api, owner, [password, stolen]);
    await api.database.accountChange.updateMany({ data: { factors: null } });
    await addApp(api, owner);
    expect(await undo(api, link)).toMatchObject({ email: ada });
    expect(await countOfApps(api)).toBe(1);
  });
});

describe('the kept factors', () => {
  it('hold no secret in clear', async () => {
    const { api, owner } = await start();
    const { challenge, app, secret } = await startApp(api, owner);
    await confirmApp(owner, { challenge, code: app.code() });
    await changePassword(api, owner, [password, stolen]).catch(() => null);
    const changes = await api.database.accountChange.findMany();
    const kept = changes.map(({ factors }) => factors).join();
    expect(kept).toContain('A256GCM.');
    expect(kept).not.toContain(secret);
  });

  it('are encrypted again with the first key', async () => {
    const { api, owner } = await start();
    const app = await addApp(api, owner);
    await deliverMail(api);
    await addApp(api, owner);
    const link = await factorMail(api);
    const [first] = encryptionKeysOf();
    if (!first || !api.config.encryptionKeys) throw new Error('There are no keys.');
    await reencryptKeptFactors(api.database, [first, ...api.config.encryptionKeys]);
    api.config.encryptionKeys = [first];
    expect(await undoWith(api, link, { password })).toMatchObject({ hasSecondFactor: true });
    expect(await signInWith(api, app)).toBe('SignInPayload');
  });
});
