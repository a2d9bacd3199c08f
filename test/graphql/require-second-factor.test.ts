import { describe, expect, it } from 'vitest';
import { type Client, type Data, password, startApi, type TestApi } from '../support/api.ts';
import { addApp, completeLogin, encryptionKeys } from '../support/second-factor.ts';

const email = 'ada@example.com';

async function start() {
  const api = await startApi({ encryptionKeys });
  const ada = await api.signUp(email);
  return { api, ada };
}

/** An account with a factor that does not by itself make sign-ins ask for it, as a passkey is one. */
async function startWithFactor() {
  const { api, ada } = await start();
  const app = await addApp(api, ada);
  await api.database.user.updateMany({ data: { secondFactorSince: null } });
  await api.database.recoveryCode.deleteMany();
  await api.database.auditEvent.deleteMany();
  return { api, ada, app };
}

async function decide(client: Client, required: boolean): Promise<Data> {
  const mutation = `mutation ($required: Boolean!) { requireSecondFactor(required: $required) {
    __typename ... on RequireSecondFactorPayload { recoveryCodes viewer { needsSecondFactor recoveryCodesLeft } }
    ... on UserError { code message } } }`;
  return (await client.ask(mutation, { required })).requireSecondFactor;
}

const isSignedIn = async (client: Client) => (await client.ask('{ viewer { id } }')).viewer !== null;

const typesOf = async (api: TestApi) =>
  (await api.database.auditEvent.findMany({ orderBy: { id: 'asc' } })).map(({ type }) => type);

describe('the need for a second factor', () => {
  it('is turned on with recovery codes, and ends the other sessions without one', async () => {
    const { api, ada, app } = await startWithFactor();
    const withPassword = api.client();
    await withPassword.login(email);
    const decided = await decide(ada, true);
    expect(decided.viewer).toEqual({ needsSecondFactor: true, recoveryCodesLeft: 10 });
    expect(decided.recoveryCodes).toHaveLength(10);
    expect([await isSignedIn(ada), await isSignedIn(withPassword)]).toEqual([true, false]);
    const { challenge } = await withPassword.login(email);
    const signedIn = await completeLogin(withPassword, challenge, { totpCode: app.code() });
    expect(signedIn).toMatchObject({ viewer: { email } });
    expect(await typesOf(api)).toEqual([
      'LOGGED_IN',
      'SECOND_FACTOR_TURNED_ON',
      'SESSION_REVOKED',
      'FACTOR_ADDED',
      'SECOND_FACTOR_REQUESTED',
      'LOGGED_IN',
    ]);
    // Again, it changes nothing.
    expect(await decide(ada, true)).toMatchObject({ recoveryCodes: null, viewer: { recoveryCodesLeft: 10 } });
  });

  it('cannot be turned on without a second factor, of which recovery codes are none', async () => {
    const { api, ada } = await startWithFactor();
    await api.database.authenticatorApp.deleteMany();
    const { id } = await api.database.user.findFirstOrThrow();
    await api.database.recoveryCode.create({ data: { createdAt: api.clock.now, userId: id, hashedCode: 'x' } });
    expect(await decide(ada, true)).toMatchObject({ code: 'FACTOR_NOT_FOUND' });
  });

  it('is decided after recent proofs of two factors only', async () => {
    const { api, ada } = await startWithFactor();
    const withPassword = api.client();
    await withPassword.login(email);
    for (const required of [true, false]) {
      expect(await decide(withPassword, required)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    }
    api.clock.now = new Date(api.clock.now.getTime() + 16 * 60_000);
    await ada.act('reauthenticate', { password });
    expect(await decide(ada, true)).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
    const { code } = await api.client().send('mutation { requireSecondFactor(required: true) { __typename } }');
    expect(code).toBe('UNAUTHENTICATED');
  });

  it('is turned off with the recovery codes, unless there is an app', async () => {
    const { api, ada } = await startWithFactor();
    await decide(ada, true);
    expect(await decide(ada, false)).toMatchObject({
      code: 'SECOND_FACTOR_NEEDED',
      message: 'Your authenticator app is asked for at each sign-in. Remove it first.',
    });
    await api.database.authenticatorApp.deleteMany();
    const decided = await decide(ada, false);
    expect(decided).toMatchObject({ viewer: { needsSecondFactor: false, recoveryCodesLeft: null } });
    expect(await api.database.recoveryCode.count()).toBe(0);
    expect((await typesOf(api)).slice(-2)).toEqual(['SECOND_FACTOR_TURNED_OFF', 'FACTOR_REMOVED']);
    expect(await api.client().login(email)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('is not turned off where the role needs it', async () => {
    const { api, ada } = await startWithFactor();
    api.config.secondFactor = { ...api.config.secondFactor, requiredRoles: new Set(['user']) };
    await decide(ada, true);
    await api.database.authenticatorApp.deleteMany();
    const refused = await decide(ada, false);
    expect(refused).toMatchObject({ code: 'SECOND_FACTOR_NEEDED', message: 'Your role needs a second factor.' });
    expect((await ada.ask('{ viewer { needsSecondFactor } }')).viewer.needsSecondFactor).toBe(true);
  });

  it('is shown to administrators too', async () => {
    const { api } = await start();
    const root = await api.signUpAdmin('root@example.com');
    const { users } = await root.ask('{ users { nodes { email needsSecondFactor recoveryCodesLeft } } }');
    expect(users.nodes).toEqual([
      { email: 'root@example.com', needsSecondFactor: false, recoveryCodesLeft: null },
      { email, needsSecondFactor: false, recoveryCodesLeft: null },
    ]);
  });
});
