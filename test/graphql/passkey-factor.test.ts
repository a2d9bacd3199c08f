import { describe, expect, it } from 'vitest';
import { redeemAnswer } from '../../src/factors/answers.ts';
import { commandScope } from '../../src/scope.ts';
import { findChallenge } from '../../src/tokens/challenge.ts';
import { type Client, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import type { Authenticator } from '../support/authenticator.ts';
import {
  addPasskey,
  authenticatorOf,
  finishRegistration,
  loginByPasskey,
  loginForSecondFactor,
  startRegistration,
} from '../support/passkeys.ts';
import { addApp, completeLogin, encryptionKeys } from '../support/second-factor.ts';

const email = 'ada@example.com';
const minute = 60_000;

/** Ada, whose account has a passkey and needs a second factor. */
async function start(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  const ada = await api.signUp(email);
  const device = authenticatorOf(api);
  await addPasskey(ada, device);
  await api.database.user.updateMany({ data: { secondFactorSince: api.clock.now } });
  return { api, ada, device };
}

const pass = (api: TestApi, ms: number) => {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
};

const isSignedIn = async (client: Client) => (await client.ask('{ viewer { id } }')).viewer !== null;

const answerOf = (device: Authenticator, options: object, deviation = {}) => ({
  passkey: { response: device.get(options, deviation) },
});

const lastSession = (api: TestApi) => api.database.session.findFirstOrThrow({ orderBy: { id: 'desc' } });

describe('passkey as a second factor', () => {
  it('completes a login by password', async () => {
    const { api, device } = await start();
    const other = api.client();
    const required = await loginForSecondFactor(other, email, password);
    const credentialId = device.credentials[0]?.id.toString('base64url');
    expect(required).toMatchObject({
      methods: ['PASSKEY'],
      passkeyOptions: { rpId: 'localhost', userVerification: 'preferred', allowCredentials: [{ id: credentialId }] },
    });
    const answer = answerOf(device, required.passkeyOptions);
    expect(await completeLogin(other, required.challenge, answer)).toMatchObject({ viewer: { email } });
    expect((await lastSession(api)).authenticationMethods).toBe('password passkey');
  });

  it('needs no verified user there', async () => {
    const { api, device } = await start();
    const other = api.client();
    const { challenge, passkeyOptions } = await loginForSecondFactor(other, email, password);
    await completeLogin(other, challenge, answerOf(device, passkeyOptions, { isVerified: false }));
    expect((await lastSession(api)).authenticationMethods).toBe('password security_key');
  });

  it('is asked for only if the account needs a second factor', async () => {
    const { api } = await start();
    await api.database.user.updateMany({ data: { secondFactorSince: null } });
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('stands beside an authenticator app', async () => {
    const { api, ada } = await start();
    await addApp(api, ada);
    expect(await loginForSecondFactor(api.client(), email, password)).toMatchObject({
      methods: ['PASSKEY', 'TOTP', 'RECOVERY_CODE'],
    });
  });

  it('opens one login of many with one answer', async () => {
    const { api, device } = await start();
    const other = api.client();
    const { challenge, passkeyOptions } = await loginForSecondFactor(other, email, password);
    const answer = answerOf(device, passkeyOptions);
    const results = await Promise.all(Array.from({ length: 8 }, () => completeLogin(other, challenge, answer)));
    expect(results.filter(({ __typename }) => __typename === 'SignInPayload')).toHaveLength(1);
  });

  it('is not answered by the challenge of another sign-in, by another user, or late', async () => {
    const { api, device } = await start();
    const other = api.client();
    const first = await loginForSecondFactor(other, email, password);
    const second = await loginForSecondFactor(other, email, password);
    const crossed = await completeLogin(other, second.challenge, answerOf(device, first.passkeyOptions));
    expect(crossed).toMatchObject({ code: 'PASSKEY_REJECTED' });
    const grace = await api.signUp('grace@example.com');
    const foreign = authenticatorOf(api);
    await addPasskey(grace, foreign);
    const stolen = await completeLogin(other, second.challenge, answerOf(foreign, second.passkeyOptions));
    expect(stolen).toMatchObject({ code: 'PASSKEY_REJECTED' });
    pass(api, 5 * minute);
    const late = await completeLogin(other, second.challenge, answerOf(device, second.passkeyOptions));
    expect(late).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'EXPIRED' });
    expect(await isSignedIn(other)).toBe(false);
  });

  it('counts wrong answers like wrong codes, and records copies', async () => {
    const { api, device } = await start({ attempts: { perAccount: 3 } });
    const thief = api.client();
    const codes: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { challenge, passkeyOptions } = await loginForSecondFactor(thief, email, password);
      const answer = answerOf(device, passkeyOptions, { origin: 'https://evil.example.net' });
      codes.push((await completeLogin(thief, challenge, answer)).code);
    }
    expect(codes).toEqual([...Array(3).fill('PASSKEY_REJECTED'), ...Array(2).fill('RATE_LIMITED')]);
    const events = await api.database.auditEvent.findMany({ where: { type: 'SECOND_FACTOR_FAILED' } });
    expect(events).toHaveLength(3);
  });

  it('uses up the challenge by ten wrong answers', async () => {
    const { api, device } = await start({ attempts: { perAccount: 50, perAddress: 1_000_000 } });
    const thief = api.client();
    const { challenge, passkeyOptions } = await loginForSecondFactor(thief, email, password);
    const wrong = answerOf(device, passkeyOptions, { origin: 'https://evil.example.net' });
    for (let n = 0; n < 10; n += 1) {
      expect(await completeLogin(thief, challenge, wrong)).toMatchObject({ code: 'PASSKEY_REJECTED' });
    }
    const late = await completeLogin(thief, challenge, answerOf(device, passkeyOptions));
    expect(late).toMatchObject({ code: 'CHALLENGE_INVALID', reason: 'TOO_MANY_FAILURES' });
  });

  it('records a copy there too', async () => {
    const { api, device } = await start();
    await api.database.passkey.updateMany({ data: { counter: 5 } });
    const other = api.client();
    const { challenge, passkeyOptions } = await loginForSecondFactor(other, email, password);
    await completeLogin(other, challenge, answerOf(device, passkeyOptions, { counter: 5 }));
    expect(await api.database.auditEvent.count({ where: { type: 'PASSKEY_CLONE_SUSPECTED' } })).toBe(1);
  });

  it('is added as a part of the sign-in, where the role needs a second factor', async () => {
    const { api } = await start({ secondFactor: { requiredRoles: new Set(['admin']) } });
    await api.signUp('grace@example.com');
    await api.database.user.update({ where: { email: 'grace@example.com' }, data: { role: 'admin' } });
    const grace = api.client();
    const { challenge: signIn } = await grace.login('grace@example.com');
    const device = authenticatorOf(api);
    const { challenge, options } = await startRegistration(grace, { signIn });
    const response = device.create(options, { isVerified: false });
    const added = await finishRegistration(grace, { challenge, response, signIn });
    expect(added).toMatchObject({ viewer: { email: 'grace@example.com' } });
    expect(await isSignedIn(grace)).toBe(true);
    expect((await lastSession(api)).authenticationMethods).toBe('password security_key');
    const next = await loginForSecondFactor(api.client(), 'grace@example.com', password);
    expect(next).toMatchObject({ __typename: 'SecondFactorRequired', methods: ['PASSKEY', 'RECOVERY_CODE'] });
    // The password alone adds no other passkey.
    expect(await startRegistration(api.client(), { signIn: next.challenge })).toMatchObject({
      code: 'CHALLENGE_INVALID',
    });
  });

  it('proves the user of a session again', async () => {
    const { api, ada, device } = await start();
    const query = `mutation { startPasskeyReauthentication { ... on PasskeyChallenge { challenge options } } }`;
    const { challenge: secret, options } = (await ada.ask(query)).startPasskeyReauthentication;
    expect(options).toMatchObject({ userVerification: 'preferred' });
    const deviceToken = ada.deviceCookie?.split('=')[1] ?? null;
    const scope = { ...commandScope(api.clock.now), deviceToken };
    const challenge = await findChallenge(api.database, scope, 'REAUTHENTICATION', secret);
    const user = await api.database.user.findFirstOrThrow();
    const answer = { passkey: { response: device.get(options) } };
    const answered = { user, answer, challenge, scope };
    expect(await redeemAnswer(api.database, answered, api.config)).toBe('passkey');
  });

  it('has to verify the user of a session without a password', async () => {
    const { api, ada, device } = await start();
    await api.database.user.updateMany({ data: { hashedPassword: null } });
    const query = `mutation { startPasskeyReauthentication { ... on PasskeyChallenge { challenge options } } }`;
    const { options } = (await ada.ask(query)).startPasskeyReauthentication;
    expect(options).toMatchObject({ userVerification: 'required' });
    const challenge = await api.database.challenge.findFirstOrThrow({ where: { purpose: 'REAUTHENTICATION' } });
    const user = await api.database.user.findFirstOrThrow();
    const answer = { passkey: { response: device.get(options, { isVerified: false }) } };
    const answered = { user, answer, challenge, scope: commandScope(api.clock.now) };
    await expect(redeemAnswer(api.database, answered, api.config)).rejects.toMatchObject({
      reason: 'USER_NOT_VERIFIED',
    });
  });
});

describe('list of passkeys', () => {
  const list = '{ viewer { passkeys { id name credentialId } } }';

  it('is shown to the user and to administrators', async () => {
    const { api, ada } = await start();
    const { passkeys } = (await ada.ask(list)).viewer;
    expect(passkeys).toHaveLength(1);
    const admin = await api.signUpAdmin('grace@example.com');
    const node = 'query ($id: ID!) { node(id: $id) { __typename id } }';
    const { id } = passkeys[0];
    for (const client of [ada, admin])
      expect((await client.ask(node, { id })).node).toEqual({ __typename: 'Passkey', id });
    const eve = await api.signUp('eve@example.com');
    expect((await eve.ask(node, { id })).node).toBeNull();
  });

  it('is changed by the user only', async () => {
    const { api, ada, device } = await start();
    const [{ id, credentialId }] = (await ada.ask(list)).viewer.passkeys;
    const rename = `mutation ($id: ID!, $name: String) { renamePasskey(id: $id, name: $name) {
      ... on RenamePasskeyPayload { passkey { name } } ... on UserError { code } } }`;
    const named = await ada.ask(rename, { id, name: 'Phone' });
    expect(named.renamePasskey).toEqual({ passkey: { name: 'Phone' } });
    const long = await ada.ask(rename, { id, name: 'x'.repeat(201) });
    expect(long.renamePasskey).toEqual({ code: 'VALIDATION_FAILED' });
    const eve = await api.signUp('eve@example.com');
    expect((await eve.ask(rename, { id, name: 'Mine' })).renamePasskey).toEqual({ code: 'FACTOR_NOT_FOUND' });
    const remove = `mutation ($id: ID!) { deletePasskey(id: $id) { ... on UserError { code }
      ... on DeletePasskeyPayload { deletedPasskeyId viewer { passkeySignals { credentialIds } } } } }`;
    expect((await eve.ask(remove, { id })).deletePasskey).toEqual({ code: 'FACTOR_NOT_FOUND' });
    const viewer = { passkeySignals: { credentialIds: [] } };
    expect((await ada.ask(remove, { id })).deletePasskey).toEqual({ deletedPasskeyId: id, viewer });
    const event = await api.database.auditEvent.findFirst({ where: { type: 'FACTOR_REMOVED' } });
    expect(event?.detail).toBe('PASSKEY');
    expect(await loginByPasskey(api.client(), device)).toMatchObject({ reason: 'UNKNOWN_CREDENTIAL' });
    expect(credentialId).not.toBe('');
  });

  it('keeps the last way in, and needs a recent proof', async () => {
    const { api, ada, device } = await start();
    const remove = 'mutation ($id: ID!) { deletePasskey(id: $id) { ... on UserError { code } } }';
    const [{ id }] = (await ada.ask(list)).viewer.passkeys;
    await api.database.user.updateMany({ data: { hashedPassword: null } });
    expect((await ada.ask(remove, { id })).deletePasskey).toEqual({ code: 'LAST_FACTOR' });
    expect(await loginByPasskey(api.client(), device)).toMatchObject({ viewer: { email } });
    pass(api, 16 * minute);
    expect((await ada.ask(remove, { id })).deletePasskey).toEqual({ code: 'REAUTHENTICATION_REQUIRED' });
  });
});
