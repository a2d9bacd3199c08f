import { describe, expect, it } from 'vitest';
import { type Client, type Data, type Settings, startApi, type TestApi } from '../support/api.ts';
import { deliverMail } from '../support/mail.ts';
import {
  type App,
  addApp,
  completeLogin,
  confirmApp,
  encryptionKeys,
  nextCode,
  startApp,
} from '../support/second-factor.ts';

const email = 'ada@example.com';

/** An account with an app and recovery codes. */
async function start(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  const ada = await api.signUp(email);
  const { challenge, app } = await startApp(api, ada);
  const { recoveryCodes } = await confirmApp(ada, { challenge, code: app.code() });
  nextCode(api);
  return { api, ada, app: app as App, codes: recoveryCodes as string[] };
}

async function createCodes(client: Client): Promise<Data> {
  const create = `mutation { createRecoveryCodes {
    __typename ... on CreateRecoveryCodesPayload { codes } ... on UserError { code } } }`;
  return (await client.ask(create)).createRecoveryCodes;
}

async function codesLeft(client: Client): Promise<number | null> {
  return (await client.ask('{ viewer { recoveryCodesLeft } }')).viewer.recoveryCodesLeft;
}

/** Logs in by a recovery code on another device. */
async function logInWith(api: TestApi, recoveryCode: string, client = api.client()): Promise<Data> {
  const { challenge } = await client.login(email);
  return completeLogin(client, challenge, { recoveryCode });
}

const historyOf = (api: TestApi) =>
  api.database.auditEvent.findMany({
    where: { type: { in: ['FACTOR_ADDED', 'FACTOR_REPLACED', 'RECOVERY_CODE_USED'] } },
    orderBy: { id: 'asc' },
    select: { type: true, detail: true },
  });

describe('recovery codes', () => {
  it('come with the first second factor: ten, with 120 bits each, of which only hashes are stored', async () => {
    const { api, ada, codes } = await start();
    expect(codes).toHaveLength(10);
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
    const rows = await api.database.recoveryCode.findMany();
    for (const { hashedCode } of rows) expect(hashedCode).toMatch(/^[0-9a-f]{64}$/);
    expect(await codesLeft(ada)).toBe(10);
    expect(await historyOf(api)).toEqual([
      { type: 'FACTOR_ADDED', detail: 'TOTP' },
      { type: 'FACTOR_ADDED', detail: 'RECOVERY_CODES' },
    ]);
  });

  it('do not come again with an app that replaces another one', async () => {
    const { api, ada, codes } = await start();
    const { challenge, app } = await startApp(api, ada);
    expect((await confirmApp(ada, { challenge, code: app.code() })).recoveryCodes).toBeNull();
    expect(await logInWith(api, codes[0] ?? '')).toMatchObject({ viewer: { email } });
  });

  it('complete a sign-in, each once, also of many requests at once', async () => {
    const { api, codes } = await start();
    const [code = ''] = codes;
    const clients = Array.from({ length: 6 }, () => api.client());
    const results = await Promise.all(clients.map((client) => logInWith(api, code, client)));
    const types = results.map(({ __typename }) => __typename);
    expect(types.filter((type) => type === 'SignInPayload')).toHaveLength(1);
    expect(types.filter((type) => type === 'InvalidCredentialsError')).toHaveLength(5);
    const sessions = await api.database.session.findMany({ where: { hashedSessionToken: { not: null } } });
    expect(sessions.map(({ authenticationMethods }) => authenticationMethods)).toContain('password recovery_code');
    expect(await api.database.recoveryCode.count()).toBe(9);
  });

  it('may be typed in any case, without dashes, and with letters that look like digits', async () => {
    const { api, codes } = await start();
    const [one = '', two = ''] = codes;
    const typed = one.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l');
    expect(await logInWith(api, typed)).toMatchObject({ viewer: { email } });
    expect(await logInWith(api, two.replaceAll('-', '').replaceAll('1', 'I'))).toMatchObject({ viewer: { email } });
    expect(await logInWith(api, one)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  it('are offered after the app while some are left', async () => {
    const { api } = await start();
    const client = api.client();
    expect((await client.login(email)).methods).toEqual(['TOTP', 'RECOVERY_CODE']);
    await api.database.recoveryCode.deleteMany();
    expect((await client.login(email)).methods).toEqual(['TOTP']);
  });

  it('are those of one account only', async () => {
    const { api, codes } = await start();
    const bob = await api.signUp('bob@example.com');
    await addApp(api, bob);
    const client = api.client();
    const { challenge } = await client.login('bob@example.com');
    const result = await completeLogin(client, challenge, { recoveryCode: codes[0] });
    expect(result).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await api.database.recoveryCode.count()).toBe(20);
    expect(await codesLeft(bob)).toBe(10);
  });

  it('are replaced all at once, after recent proofs of two factors', async () => {
    const { api, ada, codes } = await start();
    const created = await createCodes(ada);
    expect(created.codes).toHaveLength(10);
    expect(await api.database.recoveryCode.count()).toBe(10);
    expect(await logInWith(api, codes[0] ?? '')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await logInWith(api, created.codes[0])).toMatchObject({ viewer: { email } });
    expect((await historyOf(api))[2]).toEqual({ type: 'FACTOR_REPLACED', detail: 'RECOVERY_CODES' });
    api.clock.now = new Date(api.clock.now.getTime() + 16 * 60_000);
    expect(await createCodes(ada)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    // The password alone is one factor.
    await ada.act('reauthenticate', { password: 'correct horse battery staple' });
    expect(await createCodes(ada)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
  });

  it('are not for an account without a second factor', async () => {
    const api = await startApi({ encryptionKeys });
    const ada = await api.signUp(email);
    expect(await createCodes(ada)).toMatchObject({ code: 'FACTOR_NOT_FOUND' });
    expect(await codesLeft(ada)).toBeNull();
    expect((await api.client().send('mutation { createRecoveryCodes { __typename } }')).code).toBe('UNAUTHENTICATED');
  });

  it('are not created by a session that ends meanwhile', async () => {
    const { api, ada, codes } = await start();
    const other = api.client();
    const { challenge } = await other.login(email);
    await completeLogin(other, challenge, { recoveryCode: codes[9] });
    const mutation = 'mutation { createRecoveryCodes { ... on CreateRecoveryCodesPayload { codes } } }';
    const [created] = await Promise.all([other.send(mutation), ada.ask('mutation { revokeOthers { __typename } }')]);
    const works = created.data?.createRecoveryCodes != null;
    if (!works) expect(created.code).toBe('UNAUTHENTICATED');
    // Either before the end, or not at all.
    const left = await logInWith(api, codes[0] ?? '');
    expect(left.__typename).toBe(works ? 'InvalidCredentialsError' : 'SignInPayload');
  });

  it('cause a mail at each use, which asks for new ones from two on', async () => {
    const { api, codes } = await start();
    await deliverMail(api);
    const names: (string | undefined)[] = [];
    const texts: string[] = [];
    for (const code of codes.slice(0, 8)) {
      await logInWith(api, code, Object.assign(api.client(), { address: '203.0.113.7' }));
      const mail = (await deliverMail(api)).find(({ name }) => name === 'recovery-code-used');
      names.push(mail?.name);
      texts.push(mail?.text ?? '');
    }
    expect(names).toEqual(Array(8).fill('recovery-code-used'));
    expect(texts[0]).toContain('Recovery codes left: 9');
    expect(texts[0]).toContain('IP address: 203.0.113.7');
    expect(texts.map((text) => /Create new ones now/.test(text))).toEqual([...Array(7).fill(false), true]);
    const used = (await historyOf(api)).filter(({ type }) => type === 'RECOVERY_CODE_USED');
    expect(used.map(({ detail }) => detail)).toEqual(['9', '8', '7', '6', '5', '4', '3', '2']);
  });

  it('are not used up by a sign-in that does not complete', async () => {
    const { api, codes } = await start();
    await api.database.user.updateMany({ data: { suspendedAt: api.clock.now } });
    const client = api.client();
    await api.database.user.updateMany({ data: { suspendedAt: null } });
    const { challenge } = await client.login(email);
    await api.database.user.updateMany({ data: { suspendedAt: api.clock.now } });
    const refused = await completeLogin(client, challenge, { recoveryCode: codes[0] });
    expect(refused).toMatchObject({ code: 'ACCOUNT_SUSPENDED' });
    expect(await api.database.recoveryCode.count()).toBe(10);
    expect((await historyOf(api)).map(({ type }) => type)).not.toContain('RECOVERY_CODE_USED');
  });
});

describe('an account with recovery codes only', () => {
  async function withoutApp() {
    const started = await start();
    await started.api.database.authenticatorApp.deleteMany();
    return started;
  }

  it('opens no session by a code: it lets the user add a factor, which starts the session', async () => {
    const { api, codes } = await withoutApp();
    const client = api.client();
    const required = await client.login(email);
    expect(required).toMatchObject({ __typename: 'SecondFactorRequired', methods: ['RECOVERY_CODE'] });
    // Neither the password alone
    const early = await startApp(api, client, required.challenge);
    expect(early).toMatchObject({ code: 'CHALLENGE_INVALID' });
    const accepted = await completeLogin(client, required.challenge, { recoveryCode: codes[0] });
    expect(accepted).toMatchObject({ __typename: 'SecondFactorEnrolmentRequired' });
    expect((await client.ask('{ viewer { id } }')).viewer).toBeNull();
    const signIn = accepted.challenge;
    const { challenge, app } = await startApp(api, client, signIn);
    const signedIn = await confirmApp(client, { challenge, code: app.code(), signIn });
    expect(signedIn).toMatchObject({ viewer: { email }, recoveryCodes: null });
    const session = await api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
    expect(session.authenticationMethods).toBe('password totp recovery_code');
    expect(await api.database.recoveryCode.count()).toBe(9);
    // The challenges work once.
    expect(await startApp(api, client, signIn)).toMatchObject({ code: 'CHALLENGE_INVALID' });
  });

  it('does not let the password add a factor once the codes are used up', async () => {
    const { api } = await withoutApp();
    await api.database.recoveryCode.deleteMany();
    const client = api.client();
    const { challenge } = await client.login(email);
    expect(await startApp(api, client, challenge)).toMatchObject({ code: 'CHALLENGE_INVALID' });
  });
});
