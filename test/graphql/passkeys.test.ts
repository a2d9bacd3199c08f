import { describe, expect, it } from 'vitest';
import { type Client, type Data, type Settings, startApi, type TestApi } from '../support/api.ts';
import type { Deviation } from '../support/authenticator.ts';
import {
  addPasskey,
  authenticatorOf,
  finishLogin,
  finishRegistration,
  loginByPasskey,
  startLogin,
  startRegistration,
} from '../support/passkeys.ts';

const email = 'ada@example.com';
const minute = 60_000;

async function start(settings: Settings = {}) {
  const api = await startApi(settings);
  const ada = await api.signUp(email);
  return { api, ada, device: authenticatorOf(api) };
}

const pass = (api: TestApi, ms: number) => {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
};

const isSignedIn = async (client: Client) => (await client.ask('{ viewer { id } }')).viewer !== null;

const lastSession = (api: TestApi) => api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });

const eventsOf = async (api: TestApi) => (await api.database.auditEvent.findMany()).map(({ type }) => type);

describe('addition of a passkey', () => {
  it('stores the passkey, and gives the session a new token and proof', async () => {
    const { api, ada, device } = await start();
    const before = ada.cookie;
    const { challenge, options } = await startRegistration(ada);
    expect(options).toMatchObject({
      rp: { id: 'localhost' },
      user: { name: email },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ alg, type: 'public-key' })),
      excludeCredentials: [],
      timeout: 5 * minute,
    });
    expect(JSON.stringify(Buffer.from(options.user.id, 'base64url').toString())).not.toContain('ada');
    const added = await finishRegistration(ada, { challenge, response: device.create(options), name: ' Laptop ' });
    const credentialId = device.credentials[0]?.id.toString('base64url');
    expect(added).toMatchObject({
      passkey: {
        name: 'Laptop',
        credentialId,
        isSynced: true,
        isBackedUp: true,
        lastUsedAt: null,
        transports: ['internal'],
      },
      viewer: {
        email,
        passkeySignals: { rpId: 'localhost', userHandle: options.user.id, credentialIds: [credentialId] },
      },
    });
    expect(ada.cookie).not.toBe(before);
    expect(await isSignedIn(ada)).toBe(true);
    const session = await lastSession(api);
    expect(session.authenticationMethods).toBe('password passkey');
    const { secondFactorSince } = await api.database.user.findFirstOrThrow();
    expect(secondFactorSince).toBeNull();
    const event = await api.database.auditEvent.findFirst({ where: { type: 'FACTOR_ADDED' } });
    expect(event?.detail).toBe('PASSKEY');
  });

  it('is no proof if the device did not verify the user', async () => {
    const { api, ada, device } = await start();
    const before = ada.cookie;
    await addPasskey(ada, device, { isVerified: false });
    expect(ada.cookie).toBe(before);
    expect((await lastSession(api)).authenticationMethods).toBe('password');
  });

  it('keeps the token of a bearer session then', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const { token } = ada;
    await addPasskey(ada, authenticatorOf(api), { isVerified: false });
    expect(ada.token).toBe(token);
    await addPasskey(ada, authenticatorOf(api));
    expect(ada.token).not.toBe(token);
    expect(await isSignedIn(ada)).toBe(true);
  });

  it('needs a recent proof', async () => {
    const { api, ada } = await start();
    pass(api, 16 * minute);
    expect(await startRegistration(ada)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    const { code } = await api.client().send('mutation { startPasskeyRegistration { __typename } }');
    expect(code).toBe('UNAUTHENTICATED');
  });

  it.each([true, false])('is refused if the session ends meanwhile, with a verified user: %s', async (isVerified) => {
    const { api, ada, device } = await start();
    const { challenge, options } = await startRegistration(ada);
    const find = api.database.challenge.findUnique.bind(api.database.challenge);
    api.database.challenge.findUnique = (async (args: Parameters<typeof find>[0]) => {
      await api.database.session.updateMany({ data: { hashedSessionToken: null, expiresAt: api.clock.now } });
      return find(args);
    }) as never;
    const variables = { challenge, response: device.create(options, { isVerified }) };
    const query = `mutation ($challenge: String!, $response: JSON!) {
      finishPasskeyRegistration(challenge: $challenge, response: $response) { __typename } }`;
    expect((await ada.send(query, variables)).code).toBe('UNAUTHENTICATED');
    expect(await api.database.passkey.count()).toBe(0);
  });

  it('may be made by the browser alone within five minutes after a login', async () => {
    const { api, ada, device } = await start();
    const { challenge, options } = await startRegistration(ada, { conditional: true });
    const response = device.create(options, { isPresent: false, isVerified: false });
    expect(await finishRegistration(ada, { challenge, response })).toMatchObject({ viewer: { email } });
    expect((await lastSession(api)).authenticationMethods).toBe('password');
    const asked = await startRegistration(ada);
    const unasked = device.create(asked.options, { isPresent: false, isVerified: false });
    const refused = await finishRegistration(ada, { challenge: asked.challenge, response: unasked });
    expect(refused).toMatchObject({ code: 'PASSKEY_REJECTED', reason: 'USER_NOT_PRESENT' });
    pass(api, 5 * minute + 1);
    expect(await startRegistration(ada, { conditional: true })).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    expect((await startRegistration(ada)).__typename).toBe('PasskeyChallenge');
  });

  it('tells the device which passkeys the account has, under one user handle', async () => {
    const { ada, device } = await start();
    const { credentialId } = await addPasskey(ada, device);
    const { options } = await startRegistration(ada);
    expect(options.excludeCredentials).toEqual([{ id: credentialId, transports: ['internal'], type: 'public-key' }]);
    expect(options.user.id).toBe(device.credentials[0]?.userHandle);
  });

  it('refuses a passkey that an account has', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    const grace = await api.signUp('grace@example.com');
    for (const client of [ada, grace]) {
      const { challenge, options } = await startRegistration(client);
      const { id } = device.credentials[0] ?? {};
      const response = device.create(options, id && { id });
      expect(await finishRegistration(client, { challenge, response })).toMatchObject({ code: 'PASSKEY_EXISTS' });
    }
    expect(await api.database.passkey.count()).toBe(1);
  });

  it('accepts at most 20, also at once', async () => {
    const { api, ada, device } = await start();
    const { userId } = await lastSession(api);
    await addPasskey(ada, device);
    const { id: _id, ...row } = await api.database.passkey.findFirstOrThrow();
    const others = Array.from({ length: 18 }, (_, n) => ({ ...row, credentialId: `copy-${n}` }));
    await api.database.passkey.createMany({ data: others });
    const started = [await startRegistration(ada), await startRegistration(ada)];
    // Without a new token, so that both requests have the session.
    const finished = started.map(({ challenge, options }) =>
      finishRegistration(ada, { challenge, response: device.create(options, { isVerified: false }) }),
    );
    const results = (await Promise.all(finished)).map(({ code, __typename }) => code ?? __typename);
    expect(results.toSorted()).toEqual(['FactorPayload', 'PASSKEY_LIMIT']);
    expect(await startRegistration(ada)).toMatchObject({ code: 'PASSKEY_LIMIT' });
    expect(await api.database.passkey.count({ where: { userId: userId ?? 0n } })).toBe(20);
  });

  it('can be started in several tabs, of which the newest five count', async () => {
    const { api, ada, device } = await start();
    const started = [];
    for (let tab = 0; tab < 6; tab += 1) started.push(await startRegistration(ada));
    const finish = ({ challenge, options }: Data) =>
      finishRegistration(ada, { challenge, response: device.create(options, { isVerified: false }) });
    const results = [];
    for (const one of started) results.push((await finish(one)).challengeReason ?? 'added');
    expect(results).toEqual(['UNKNOWN', ...Array(5).fill('added')]);
    await Promise.all(Array.from({ length: 12 }, () => startRegistration(ada)));
    const query = 'mutation { startPasskeyReauthentication { __typename } }';
    await Promise.all(Array.from({ length: 12 }, () => ada.ask(query)));
    const waiting = await api.database.challenge.groupBy({ by: ['purpose'], where: { usedAt: null }, _count: true });
    expect(waiting).toEqual(
      expect.arrayContaining([
        { purpose: 'PASSKEY_REGISTRATION', _count: 5 },
        { purpose: 'REAUTHENTICATION', _count: 5 },
      ]),
    );
    expect(waiting).toHaveLength(2);
  });

  it('uses each challenge once, on its device, for its user, within five minutes', async () => {
    const { api, ada, device } = await start();
    const first = await startRegistration(ada);
    const response = device.create(first.options);
    await finishRegistration(ada, { challenge: first.challenge, response });
    const again = await finishRegistration(ada, { challenge: first.challenge, response });
    expect(again).toMatchObject({ code: 'CHALLENGE_INVALID', challengeReason: 'USED' });
    const late = await startRegistration(ada);
    const grace = await api.signUp('grace@example.com');
    const foreign = await finishRegistration(grace, {
      challenge: late.challenge,
      response: device.create(late.options),
    });
    expect(foreign).toMatchObject({ code: 'CHALLENGE_INVALID', challengeReason: 'OTHER_DEVICE' });
    // Another user of the same browser.
    grace.deviceCookie = ada.deviceCookie;
    const other = await finishRegistration(grace, { challenge: late.challenge, response: device.create(late.options) });
    expect(other).toMatchObject({ code: 'CHALLENGE_INVALID', challengeReason: 'UNKNOWN' });
    pass(api, 5 * minute);
    const expired = await finishRegistration(ada, { challenge: late.challenge, response: device.create(late.options) });
    expect(expired).toMatchObject({ code: 'CHALLENGE_INVALID', challengeReason: 'EXPIRED' });
  });

  it.each<[string, Deviation]>([
    ['WRONG_ORIGIN', { origin: 'https://localhost.example.net' }],
    ['WRONG_ORIGIN', { topOrigin: 'https://frames.example.net' }],
    ['WRONG_RP_ID', { rpId: 'example.net' }],
    ['WRONG_CHALLENGE', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['USER_NOT_PRESENT', { isPresent: false }],
  ])('refuses by name: %s', async (reason, deviation) => {
    const { api, ada, device } = await start();
    const { challenge, options } = await startRegistration(ada);
    const refused = await finishRegistration(ada, { challenge, response: device.create(options, deviation) });
    expect(refused).toMatchObject({ code: 'PASSKEY_REJECTED', reason });
    expect(await api.database.passkey.count()).toBe(0);
  });
});

describe('login by passkey', () => {
  it('signs in without a password, with a proof of two factors', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    await api.database.user.updateMany({ data: { hashedPassword: null } });
    const other = api.client();
    const { challenge, options } = await startLogin(other);
    expect(options).toMatchObject({ rpId: 'localhost', userVerification: 'required', timeout: 5 * minute });
    expect(options.allowCredentials).toBeUndefined();
    expect(await finishLogin(other, challenge, device.get(options))).toMatchObject({ viewer: { email } });
    expect(await isSignedIn(other)).toBe(true);
    expect(await lastSession(api)).toMatchObject({ authenticationMethods: 'passkey', transport: 'COOKIE' });
    const passkey = await api.database.passkey.findFirstOrThrow();
    expect(passkey.lastUsedAt).toEqual(api.clock.now);
  });

  it('is enough for an account that needs a second factor', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    await api.database.user.updateMany({ data: { secondFactorSince: api.clock.now } });
    expect(await loginByPasskey(api.client(), device)).toMatchObject({ viewer: { email } });
  });

  it('keeps the transport of its start, and the choice not to be remembered', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    const other = api.client();
    const { challenge, options } = await startLogin(other, 'BEARER');
    const { token } = await finishLogin(other, challenge, device.get(options), false);
    expect(token).toMatch(/^gqs_/);
    const session = await lastSession(api);
    expect(session).toMatchObject({ transport: 'BEARER' });
    expect(session.lifetimeEndsAt).not.toBeNull();
  });

  it('mails the user about a new device, and trusts it', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    const other = api.client();
    await loginByPasskey(other, device);
    await loginByPasskey(other, device);
    const mails = await api.database.mail.findMany({ where: { template: 'new-device' } });
    expect(mails).toHaveLength(1);
  });

  it('accepts one of many equal answers', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    const other = api.client();
    const { challenge, options } = await startLogin(other);
    const response = device.get(options);
    const results = await Promise.all(Array.from({ length: 8 }, () => finishLogin(other, challenge, response)));
    const won = results.filter(({ __typename }) => __typename === 'SignInPayload');
    expect(won).toHaveLength(1);
    expect(results.filter(({ challengeReason }) => challengeReason === 'USED')).toHaveLength(7);
    expect(await api.database.session.count({ where: { hashedSessionToken: { not: null } } })).toBe(2);
  });

  it('refuses a replay, also with a new challenge', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    const other = api.client();
    const { challenge, options } = await startLogin(other);
    const response = device.get(options);
    await finishLogin(other, challenge, response);
    const again = await finishLogin(other, challenge, response);
    expect(again).toMatchObject({ code: 'CHALLENGE_INVALID', challengeReason: 'USED' });
    const next = await startLogin(other);
    const replayed = await finishLogin(other, next.challenge, response);
    expect(replayed).toMatchObject({ code: 'PASSKEY_REJECTED', reason: 'WRONG_CHALLENGE' });
  });

  it('binds the challenge to the device, for five minutes and one answer', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    const other = api.client();
    const { challenge, options } = await startLogin(other);
    const thief = await finishLogin(api.client(), challenge, device.get(options));
    expect(thief).toMatchObject({ code: 'CHALLENGE_INVALID', challengeReason: 'OTHER_DEVICE' });
    const wrong = await finishLogin(other, challenge, {});
    expect(wrong).toMatchObject({ code: 'PASSKEY_REJECTED', reason: 'MALFORMED' });
    const second = await finishLogin(other, challenge, device.get(options));
    expect(second).toMatchObject({ code: 'CHALLENGE_INVALID', challengeReason: 'USED' });
    const late = await startLogin(other);
    pass(api, 5 * minute);
    const expired = await finishLogin(other, late.challenge, device.get(late.options));
    expect(expired).toMatchObject({ code: 'CHALLENGE_INVALID', challengeReason: 'EXPIRED' });
  });

  it.each<[string, Deviation]>([
    ['WRONG_ORIGIN', { origin: 'https://evil.example.net' }],
    ['WRONG_ORIGIN', { topOrigin: 'https://frames.example.net' }],
    ['WRONG_RP_ID', { rpId: 'example.net' }],
    ['WRONG_CHALLENGE', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['UNKNOWN_CREDENTIAL', { id: Buffer.alloc(16, 7) }],
    ['FOREIGN_CREDENTIAL', { userHandle: Buffer.alloc(32).toString('base64url') }],
    ['MALFORMED', { userHandle: null }],
    ['USER_NOT_PRESENT', { isPresent: false }],
    ['USER_NOT_VERIFIED', { isVerified: false }],
  ])('refuses by name: %s', async (reason, deviation) => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    expect(await loginByPasskey(api.client(), device, deviation)).toMatchObject({ code: 'PASSKEY_REJECTED', reason });
    expect(await api.database.session.count()).toBe(1);
    expect(await eventsOf(api)).toContain('LOGIN_FAILED');
  });

  it('refuses the signature of another key', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    const thief = authenticatorOf(api);
    const [own] = device.credentials;
    thief.create({ rp: { id: 'localhost' }, user: { id: own?.userHandle }, challenge: '' }, own && { id: own.id });
    const refused = await loginByPasskey(api.client(), thief);
    expect(refused).toMatchObject({ code: 'PASSKEY_REJECTED', reason: 'INVALID_SIGNATURE' });
  });

  it('refuses a copy whose counter has not grown, and records it', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device, { counter: 1 });
    const copy = device.clone();
    expect(await loginByPasskey(api.client(), device, { counter: 2 })).toMatchObject({ viewer: { email } });
    for (const counter of [2, 0]) {
      const refused = await loginByPasskey(api.client(), copy, { counter });
      expect(refused).toMatchObject({ code: 'PASSKEY_REJECTED', reason: 'COUNTER' });
    }
    const { userId } = await api.database.passkey.findFirstOrThrow();
    const event = await api.database.auditEvent.findFirst({ where: { type: 'PASSKEY_CLONE_SUSPECTED' } });
    expect(event).toMatchObject({ userId, actorId: null, sessionHandle: null });
    expect(await loginByPasskey(api.client(), device, { counter: 3 })).toMatchObject({ viewer: { email } });
  });

  it('tells only the owner of the passkey that the account is suspended', async () => {
    const { api, ada, device } = await start();
    await addPasskey(ada, device);
    await api.database.user.updateMany({ data: { suspendedAt: api.clock.now } });
    const stranger = await loginByPasskey(api.client(), device, { isVerified: false });
    expect(stranger).toMatchObject({ reason: 'USER_NOT_VERIFIED' });
    expect(await loginByPasskey(api.client(), device)).toMatchObject({ code: 'ACCOUNT_SUSPENDED' });
    expect(await eventsOf(api)).toContain('LOGIN_REFUSED');
  });

  it('limits the challenges of an address', async () => {
    const { api } = await start();
    const client = api.client();
    client.address = '192.0.2.1';
    await startLogin(client);
    await api.database.rateLimit.updateMany({
      where: { key: { startsWith: 'passkey-logins' } },
      data: { points: 300 },
    });
    expect(await startLogin(client)).toMatchObject({ code: 'RATE_LIMITED' });
  });
});
