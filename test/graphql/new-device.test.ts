import { describe, expect, it } from 'vitest';
import { type Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const email = 'ada@example.com';
const chrome = 'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';
const hourMs = 3_600_000;
const weekMs = 7 * 24 * hourMs;
const name = 'new-device';

/** A server, Ada on the device on which she signed up, and no mail that waits. */
async function start(settings: Settings = {}): Promise<{ api: TestApi; ada: Client }> {
  const api = await startApi(settings);
  const ada = await api.signUp(email, 'BEARER');
  await deliverMail(api);
  return { api, ada };
}

/** Logs in on a device that has not been used before. */
async function logInElsewhere(api: TestApi, userAgent = chrome, address = '203.0.113.7'): Promise<Client> {
  const client = Object.assign(api.client(), { address });
  const query = `mutation { login(email: "${email}", password: "${password}", transport: BEARER) {
    ... on SignInPayload { token deviceToken } } }`;
  const { data } = await client.send(query, {}, { 'user-agent': userAgent });
  return Object.assign(client, data.login);
}

async function namesOfMail(api: TestApi): Promise<string[]> {
  return (await deliverMail(api)).map((mail) => mail.name);
}

const disowning = `mutation ($token: String!) { disownSession(token: $token) {
  __typename ... on UserError { code } ... on DisownSessionPayload { revokedSessionId email } } }`;

async function disown(client: Client, token: string): Promise<Data> {
  return (await client.ask(disowning, { token })).disownSession;
}

async function isSignedIn(client: Client): Promise<boolean> {
  return (await client.ask('{ viewer { id } }')).viewer !== null;
}

function pass({ clock }: TestApi, milliseconds: number): void {
  clock.now = new Date(clock.now.getTime() + milliseconds);
}

describe('mail about a new device', () => {
  it('names the device, the address and the time, and goes out before other mail', async () => {
    const { api } = await start();
    api.clock.now = new Date('2126-11-27T02:10:59.999Z');
    for (let time = 0; time < 3; time += 1) await api.client().login(email, 'BEARER', 'not the password');
    await logInElsewhere(api);
    expect(await api.database.mail.findMany()).toMatchObject([{ template: name, priority: 0 }]);
    const [mail] = await deliverMail(api);
    expect(mail).toMatchObject({ name, to: email, subject: 'New sign-in to your account' });
    const { token } = mail ?? {};
    for (const part of [mail?.text, mail?.html]) {
      expect(part).toContain('Time: 2126-11-27 02:10 UTC');
      expect(part).toContain('Device: Chrome on Windows');
      expect(part).toContain('IP address: 203.0.113.7');
      expect(part).toContain('Wrong passwords since the previous sign-in: 3');
      expect(part).toContain(`/disown-session#token=${token}`);
      expect(part).toContain('within 7 days');
    }
  });

  it.each([
    ['Visit evil.example/now (x) to win', 'a name that the client chose'],
    ['curl/8.5.0', 'a program'],
  ])('repeats no words of the client: %s', async (userAgent) => {
    const { api } = await start();
    await logInElsewhere(api, userAgent);
    const [mail] = await deliverMail(api);
    expect(mail?.text).toContain('Device: unknown');
    expect(mail?.text).not.toContain('Wrong passwords');
    expect(`${mail?.text}${mail?.html}`).not.toMatch(/evil|curl/);
  });

  it('is sent once for a device, and again after the device was forgotten, even if it was the last one', async () => {
    const { api, ada } = await start();
    const laptop = await logInElsewhere(api);
    await laptop.login(email, 'BEARER');
    expect(await namesOfMail(api)).toEqual([name]);
    const { trustedDevices } = (await laptop.ask('{ viewer { trustedDevices { id } } }')).viewer;
    for (const { id } of trustedDevices) await laptop.act('forgetDevice', { id });
    await laptop.login(email, 'BEARER');
    expect(await namesOfMail(api)).toEqual([name]);
    expect(await isSignedIn(ada)).toBe(true);
  });

  it('is not sent for a first sign-in: by signUp, or by login to an account from elsewhere', async () => {
    const api = await startApi();
    await api.signUp(email, 'BEARER');
    expect(await namesOfMail(api)).toEqual(['verify-email']);
    // As if an import had brought the account.
    await Promise.all([api.database.userToken.deleteMany(), api.database.auditEvent.deleteMany()]);
    await logInElsewhere(api);
    expect(await namesOfMail(api)).toEqual([]);
    await logInElsewhere(api);
    expect(await namesOfMail(api)).toEqual([name]);
  });

  it('is not sent with NEW_DEVICE_MAIL=false, after a wrong password, or for a suspended account', async () => {
    const off = await start({ newDeviceMail: false });
    await logInElsewhere(off.api);
    expect(await namesOfMail(off.api)).toEqual([]);
    const on = await start();
    await on.api.client().login(email, 'BEARER', 'not the password');
    await on.api.database.user.updateMany({ data: { suspendedAt: new Date() } });
    await on.api.client().login(email);
    expect(await namesOfMail(on.api)).toEqual([]);
  });

  it('is sent five times an hour at most, while each sign-in is an event', async () => {
    const { api } = await start();
    for (let time = 0; time < 8; time += 1) await logInElsewhere(api);
    expect(await namesOfMail(api)).toEqual(Array(5).fill(name));
    expect(await api.database.auditEvent.count({ where: { type: 'LOGGED_IN' } })).toBe(8);
    pass(api, hourMs);
    await logInElsewhere(api);
    expect(await namesOfMail(api)).toEqual([name]);
  });
});

describe('disownSession', () => {
  it('ends exactly that session, forgets its device, and mails a link that ends all others', async () => {
    const { api, ada } = await start();
    const thief = await logInElsewhere(api);
    const token = tokenIn(await deliverMail(api), name);
    const other = await logInElsewhere(api);
    await deliverMail(api);
    const sessions = await api.database.session.findMany({ orderBy: { id: 'asc' } });
    const result = await disown(api.client(), token);
    expect(result).toEqual({
      __typename: 'DisownSessionPayload',
      revokedSessionId: expect.any(String),
      email,
    });
    expect(await Promise.all([ada, thief, other].map(isSignedIn))).toEqual([true, false, true]);
    const ended = await api.database.session.findUniqueOrThrow({ where: { handle: sessions[1]?.handle ?? '' } });
    expect(ended.endReason).toBe('DISOWNED');
    const { nodes } = (
      await ada.ask('{ viewer { auditEvents(first: 3) { nodes { type detail isOwn sessionHandle } } } }')
    ).viewer.auditEvents;
    const { handle: sessionHandle } = ended;
    expect(nodes).toEqual([
      { type: 'PASSWORD_RESET_REQUESTED', detail: null, isOwn: false, sessionHandle: null },
      { type: 'DEVICE_FORGOTTEN', detail: 'DISOWNED', isOwn: true, sessionHandle },
      { type: 'SESSION_REVOKED', detail: 'DISOWNED', isOwn: true, sessionHandle },
    ]);
    // The password still opens the account, but the device is a new one again.
    await thief.login(email, 'BEARER');
    const mails = await deliverMail(api);
    expect(mails.map((mail) => mail.name).sort()).toEqual([name, 'reset-password']);
    const reset = { token: tokenIn(mails, 'reset-password'), newPassword: 'another horse, another staple' };
    expect(await api.client().act('resetPassword', reset)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await Promise.all([ada, thief, other].map(isSignedIn))).toEqual([false, false, false]);
  });

  it('works once, for a week, and its token for nothing else', async () => {
    const { api, ada } = await start();
    const thief = await logInElsewhere(api);
    const first = tokenIn(await deliverMail(api), name);
    const asReset = await api
      .client()
      .act('resetPassword', { token: first, newPassword: `${password}!` }, '... on UserError { code }');
    expect(asReset).toMatchObject({ code: 'TOKEN_INVALID' });
    const [one, two] = await Promise.all([disown(api.client(), first), disown(api.client(), first)]);
    expect([one, two].map(({ code }) => code ?? null).sort()).toEqual(['TOKEN_INVALID', null].sort());
    expect(await disown(ada, first)).toEqual({ __typename: 'TokenInvalidError', code: 'TOKEN_INVALID' });
    expect(await isSignedIn(thief)).toBe(false);
    await logInElsewhere(api);
    const late = tokenIn(
      (await deliverMail(api)).filter((mail) => mail.name === name),
      name,
    );
    pass(api, weekMs);
    expect(await disown(api.client(), late)).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('mails a new password also if the session has ended, and signs out a caller whose session it is', async () => {
    const { api } = await start();
    const laptop = await logInElsewhere(api);
    await laptop.ask('mutation { logout { revokedSessionId } }');
    const ofEnded = tokenIn(await deliverMail(api), name);
    expect(await disown(api.client(), ofEnded)).toMatchObject({ revokedSessionId: null, email });
    expect(await namesOfMail(api)).toEqual(['reset-password']);
    const phone = api.client();
    await phone.login(email, 'COOKIE');
    const ofPhone = tokenIn(await deliverMail(api), name);
    expect(await disown(phone, ofPhone)).toMatchObject({ revokedSessionId: expect.any(String) });
    expect(phone.cookie).toBeNull();
  });

  it('works after a thief has changed the password', async () => {
    const { api } = await start();
    const thief = await logInElsewhere(api);
    await thief.act('changePassword', { currentPassword: password, newPassword: 'another horse, another staple' });
    const token = tokenIn(await deliverMail(api), name);
    expect(await disown(api.client(), token)).toMatchObject({ revokedSessionId: expect.any(String), email });
    expect(await isSignedIn(thief)).toBe(false);
  });

  it('works after a thief has changed the address, also if the mail still waited, but mails no link then', async () => {
    const { api } = await start();
    const thief = await logInElsewhere(api);
    await api.database.user.updateMany({ data: { email: 'eve@example.com' } });
    const mails = await deliverMail(api);
    expect(mails).toMatchObject([{ name, to: email }]);
    expect(await disown(api.client(), tokenIn(mails, name))).toMatchObject({
      revokedSessionId: expect.any(String),
      email: null,
    });
    expect(await isSignedIn(thief)).toBe(false);
    expect(await namesOfMail(api)).toEqual([]);
  });

  it('refuses the links of other purposes, and bounds invalid ones by address', async () => {
    const { api } = await start({ attempts: { perAddress: 2 } });
    await api.client().act('requestPasswordReset', { email });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const stranger = Object.assign(api.client(), { address: '203.0.113.9' });
    for (const code of ['TOKEN_INVALID', 'TOKEN_INVALID', 'RATE_LIMITED']) {
      expect(await disown(stranger, token)).toMatchObject({ code });
    }
    await logInElsewhere(api);
    const valid = tokenIn(await deliverMail(api), name);
    expect(await disown(stranger, valid)).toMatchObject({ __typename: 'DisownSessionPayload' });
  });
});
