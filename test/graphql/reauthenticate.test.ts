import { describe, expect, it } from 'vitest';
import { commandScope } from '../../src/scope.ts';
import { createChallenge } from '../../src/tokens/challenge.ts';
import { type Client, type Data, password, startApi, type TestApi } from '../support/api.ts';
import { type App, addApp, completeLogin, encryptionKeys, nextCode } from '../support/second-factor.ts';

const email = 'ada@example.com';

/** Ada, with an authenticator app. */
async function setUp(transport: 'COOKIE' | 'BEARER' = 'COOKIE') {
  const api = await startApi({ encryptionKeys });
  const ada = await api.signUp(email, transport);
  const app = await addApp(api, ada);
  return { api, ada, app };
}

const mutation = `mutation ($password: String, $answer: FactorAnswer, $challenge: String) {
  reauthenticate(password: $password, answer: $answer, challenge: $challenge) {
    __typename
    ... on ReauthenticatePayload { token antiCSRFToken session { assuranceLevel proofs { method at } } }
    ... on UserError { code }
    ... on ChallengeInvalidError { reason } } }`;

const prove = async (client: Client, variables: Data) => (await client.ask(mutation, variables)).reauthenticate;
const byCode = (client: Client, totpCode: string) => prove(client, { answer: { totpCode } });
const wrong = (app: App) => (app.code() === '000000' ? '000001' : '000000');
const isSignedIn = async (client: Client) => (await client.ask('{ viewer { id } }')).viewer !== null;
const events = (api: TestApi, type: string) => api.database.auditEvent.findMany({ where: { type } });

describe('reauthenticate by an authenticator app', () => {
  it.each(['COOKIE', 'BEARER'] as const)('gives the session a new token and a new proof, by %s', async (transport) => {
    const { api, ada, app } = await setUp(transport);
    const thief = api.client();
    Object.assign(thief, { cookie: ada.cookie, token: ada.token, antiCSRFToken: ada.antiCSRFToken });
    const before = (await ada.ask('{ currentSession { proofs { method at } } }')).currentSession.proofs;
    const { __typename, session } = await byCode(ada, app.code());
    expect(__typename).toBe('ReauthenticatePayload');
    expect(session).toEqual({
      assuranceLevel: 2,
      proofs: [before[0], { method: 'TOTP', at: api.clock.now.toISOString() }],
    });
    expect(await isSignedIn(ada)).toBe(true);
    expect((await thief.send('{ viewer { id } }')).code).toBe('SESSION_TOKEN_REPLACED');
    const [event] = await events(api, 'REAUTHENTICATED');
    expect(event).toMatchObject({ detail: 'TOTP', actorId: event?.userId, sessionHandle: expect.any(String) });
  });

  it('refuses a wrong code and a used one, in the same way, and keeps the token', async () => {
    const { api, ada, app } = await setUp();
    expect(await byCode(ada, wrong(app))).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    await byCode(ada, app.code());
    expect(await byCode(ada, app.code())).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await isSignedIn(ada)).toBe(true);
    const failures = await events(api, 'SECOND_FACTOR_FAILED');
    expect(failures).toHaveLength(2);
    expect(failures.every(({ actorId, sessionHandle }) => actorId === null && sessionHandle !== null)).toBe(true);
  });

  it('counts wrong codes apart from wrong passwords, and from those of other devices', async () => {
    const { api, ada, app } = await setUp();
    for (let n = 0; n < api.config.attempts.perAccount; n += 1) await byCode(ada, wrong(app));
    expect(await byCode(ada, app.code())).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await prove(ada, { password })).toMatchObject({ __typename: 'ReauthenticatePayload' });
    const other = api.client();
    const { challenge } = await other.login(email);
    expect(await completeLogin(other, challenge, { totpCode: app.code() })).toMatchObject({
      __typename: 'SignInPayload',
    });
  });

  it('forgets the wrong codes after a right one', async () => {
    const { api, ada, app } = await setUp();
    const { perAccount } = api.config.attempts;
    for (let n = 1; n < perAccount; n += 1) await byCode(ada, wrong(app));
    expect(await byCode(ada, app.code())).toMatchObject({ __typename: 'ReauthenticatePayload' });
    nextCode(api);
    for (let n = 1; n < perAccount; n += 1) await byCode(ada, wrong(app));
    expect(await byCode(ada, app.code())).toMatchObject({ __typename: 'ReauthenticatePayload' });
  });

  it('accepts one of several requests with one code', async () => {
    const { api, ada, app } = await setUp('BEARER');
    const other = api.client();
    other.token = ada.token;
    const answers = await Promise.all(
      [ada, other, ada].map((one) => one.send(mutation, { answer: { totpCode: app.code() } })),
    );
    const accepted = answers.filter(({ data }) => data?.reauthenticate?.__typename === 'ReauthenticatePayload');
    expect(accepted).toHaveLength(1);
    expect(await events(api, 'REAUTHENTICATED')).toHaveLength(1);
    expect(api.reported).toEqual([]);
  });

  it('refuses the code of an account without an app', async () => {
    const { api, app } = await setUp();
    const bob = await api.signUp('bob@example.com');
    expect(await byCode(bob, app.code())).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });
});

describe('the arguments of reauthenticate', () => {
  it.each([
    ['nothing', {}, 'Send exactly one of password and answer.'],
    ['both proofs', { password, answer: { totpCode: '000000' } }, 'Send exactly one of password and answer.'],
    ['a challenge without an answer', { password, challenge: 'x' }, 'A challenge belongs to an answer. Send both.'],
  ])('are refused with %s', async (_, variables, message) => {
    const { ada } = await setUp();
    const { code, errors } = await ada.send(mutation, variables);
    expect([code, errors[0].message]).toEqual(['BAD_USER_INPUT', message]);
  });

  it('have a challenge of the same user, for this operation, which is used up by the right answer', async () => {
    const { api, ada, app } = await setUp();
    const bob = await api.signUp('bob@example.com');
    const { id: userId } = await api.database.user.findFirstOrThrow({ where: { email } });
    const create = async (purpose: 'REAUTHENTICATION' | 'SIGN_IN') => {
      const challenge = { purpose, userId, lifetimeMs: 60_000, data: null, transport: 'BEARER' } as const;
      return (await createChallenge(api.database, commandScope(api.clock.now), challenge)).challenge;
    };
    const answer = () => ({ totpCode: app.code() });
    const challenge = await create('REAUTHENTICATION');
    expect(await prove(bob, { answer: answer(), challenge })).toMatchObject({ reason: 'UNKNOWN' });
    expect(await prove(ada, { answer: answer(), challenge: await create('SIGN_IN') })).toMatchObject({
      reason: 'UNKNOWN',
    });
    expect(await prove(ada, { answer: { totpCode: wrong(app) }, challenge })).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
    expect(await prove(ada, { answer: answer(), challenge })).toMatchObject({ __typename: 'ReauthenticatePayload' });
    nextCode(api);
    expect(await prove(ada, { answer: answer(), challenge })).toMatchObject({ reason: 'USED' });
    expect(await prove(ada, { answer: answer() })).toMatchObject({ __typename: 'ReauthenticatePayload' });
  });
});
