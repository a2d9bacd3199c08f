import { createLocalJWKSet, decodeProtectedHeader, type JWTVerifyOptions, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { type Client, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { addApp } from '../support/second-factor.ts';

const audience = 'https://router.example';
const hour = 3_600_000;
const selection = `{
  __typename
  ... on AccessTokenPayload { token expiresAt }
  ... on UserError { code message }
}`;

/** Starts a server that issues access tokens. */
function startIssuer({ lifetimeMs = 60_000, ...settings }: Settings & { lifetimeMs?: number } = {}) {
  const accessTokens = { audiences: new Set([audience, 'other']), lifetimeMs };
  return startApi({ encryptionKeys: encryptionKeysOf(), accessTokens, ...settings });
}

async function ask(client: Client, forAudience = audience) {
  return (await client.ask(`mutation { accessToken(audience: "${forAudience}") ${selection} }`)).accessToken;
}

/** Verifies a token as a router does. */
async function verify(api: TestApi, token: string, options: JWTVerifyOptions = {}) {
  const response = await api.app.fetch(new Request(new URL('/.well-known/jwks.json', api.config.publicUrl)));
  const keys = createLocalJWKSet((await response.json()) as Parameters<typeof createLocalJWKSet>[0]);
  const expected = { issuer: api.config.publicUrl.origin, audience, typ: 'at+jwt', algorithms: ['ES256'] };
  return (await jwtVerify(token, keys, { ...expected, currentDate: api.clock.now, ...options })).payload;
}

describe('accessToken', () => {
  it('returns a token about the user and the session, for an audience', async () => {
    const api = await startIssuer();
    const ada = await api.signUp('ada@example.com');
    const { viewer, currentSession } = await ada.ask(
      '{ viewer { id role } currentSession { handle authenticatedAt } }',
    );
    const { __typename, token, expiresAt } = await ask(ada);
    expect(__typename).toBe('AccessTokenPayload');
    const iat = Math.floor(api.clock.now.getTime() / 1_000);
    expect(await verify(api, token)).toEqual({
      iss: 'http://localhost:4000',
      aud: audience,
      client_id: 'http://localhost:4000',
      iat,
      exp: iat + 60,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sub: viewer.id,
      sid: currentSession.handle,
      auth_time: Math.floor(Date.parse(currentSession.authenticatedAt) / 1_000),
      amr: ['pwd'],
      acr: 'aal1',
      role: 'user',
      email_verified: false,
    });
    expect(Date.parse(expiresAt)).toBe((iat + 60) * 1_000);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
  });

  it('tells the current role, the verified address, and the latest proof', async () => {
    const api = await startIssuer();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await api.database.user.updateMany({ data: { role: 'editor', emailVerifiedAt: api.clock.now } });
    await api.database.session.updateMany({ data: { authenticationMethods: 'password email', proofs: null } });
    api.clock.now = new Date(api.clock.now.getTime() + hour);
    await ada.act('reauthenticate', { password });
    const claims = await verify(api, (await ask(ada)).token);
    expect(claims).toMatchObject({ role: 'editor', email_verified: true, amr: ['pwd', 'email'], acr: 'aal1' });
    expect(claims.auth_time).toBe(Math.floor(api.clock.now.getTime() / 1_000));
  });

  it('has an auth_time as old as the older of two factors, so that the password alone makes no old one new', async () => {
    const api = await startIssuer();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const start = Math.floor(api.clock.now.getTime() / 1_000);
    const app = await addApp(api, ada);
    const claims = async () => {
      const { acr, amr, auth_time } = await verify(api, (await ask(ada)).token);
      return { acr, amr, auth_time };
    };
    const both = { acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] };
    expect(await claims()).toEqual({ ...both, auth_time: start });
    api.clock.now = new Date(api.clock.now.getTime() + hour);
    await ada.act('reauthenticate', { password });
    expect(await claims()).toEqual({ ...both, auth_time: start });
    const byApp = `mutation ($code: String!) {
      reauthenticate(answer: { totpCode: $code }) { __typename ... on ReauthenticatePayload { token } } }`;
    await ada.ask(byApp, { code: app.code() });
    expect((await claims()).auth_time).toBe(Math.floor(api.clock.now.getTime() / 1_000));
  });

  it('leaves out what was never recorded, in sessions of before', async () => {
    const api = await startIssuer();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await api.database.session.updateMany({ data: { authenticatedAt: null, authenticationMethods: null } });
    const claims = await verify(api, (await ask(ada)).token);
    for (const name of ['auth_time', 'amr', 'acr']) expect(claims).not.toHaveProperty(name);
  });

  it('returns another token each time, without a statement beside that of the session', async () => {
    const api = await startIssuer();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const first = await ask(ada);
    api.statements.length = 0;
    const second = await ask(ada);
    expect(api.statements).toHaveLength(1);
    const ids = await Promise.all([first, second].map(async ({ token }) => (await verify(api, token)).jti));
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('returns a token that is accepted for its lifetime, by its audience only', async () => {
    const api = await startIssuer({ lifetimeMs: 300_000 });
    const ada = await api.signUp('ada@example.com');
    const { token, expiresAt } = await ask(ada, 'other');
    await verify(api, token, { audience: 'other', currentDate: new Date(Date.parse(expiresAt) - 1_000) });
    await expect(verify(api, token, { audience: 'other', currentDate: new Date(expiresAt) })).rejects.toThrow(/"exp"/);
    await expect(verify(api, token)).rejects.toThrow(/"aud"/);
  });

  it('returns no token that outlives the session', async () => {
    const api = await startIssuer({ sessions: { idleTimeoutMs: 90_000, lifetimeMs: 100_000 } });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const start = api.clock.now.getTime();
    api.clock.now = new Date(start + 70_000);
    const { expiresAt } = await ask(ada);
    expect(Date.parse(expiresAt)).toBe(Math.floor((start + 100_000) / 1_000) * 1_000);
  });

  it('is late by the lifetime of a token: a revoked session gets none, but the last one is still accepted', async () => {
    const api = await startIssuer();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { token, expiresAt } = await ask(ada);
    await ada.act('logout');
    const { code } = await ada.send(`mutation { accessToken(audience: "${audience}") ${selection} }`);
    expect(code).toBe('UNAUTHENTICATED');
    await verify(api, token);
    await expect(verify(api, token, { currentDate: new Date(expiresAt) })).rejects.toThrow(/"exp"/);
  });

  it('returns a token that is no session here', async () => {
    const api = await startIssuer();
    const ada = await api.signUp('ada@example.com');
    const client = api.client();
    client.token = (await ask(ada)).token;
    expect(await client.ask('{ viewer { id } }')).toEqual({ viewer: null });
  });

  it.each(['https://router.example/', 'HTTPS://ROUTER.EXAMPLE', 'router', '', 'constructor'])(
    'refuses an audience that is not exactly one of the allowed: %j',
    async (other) => {
      const api = await startIssuer();
      expect(await ask(await api.signUp('ada@example.com'), other)).toEqual({
        __typename: 'AudienceNotAllowedError',
        code: 'AUDIENCE_NOT_ALLOWED',
        message:
          'This server issues no access tokens for this audience. The operator allows audiences with ' +
          'ACCESS_TOKEN_AUDIENCES.',
      });
    },
  );

  it.each([
    ['without audiences', { encryptionKeys: encryptionKeysOf() }],
    ['without any setting', {}],
  ])('says that access tokens are off, on a server %s', async (_name, settings) => {
    const api = await startApi(settings);
    expect(await ask(await api.signUp('ada@example.com'))).toEqual({
      __typename: 'AudienceNotAllowedError',
      code: 'AUDIENCE_NOT_ALLOWED',
      message: 'This server issues no access tokens. The operator turns them on with ACCESS_TOKEN_AUDIENCES.',
    });
  });

  it('needs the anti-CSRF token beside a cookie, and cannot be repeated at will in an operation', async () => {
    const api = await startIssuer();
    const ada = await api.signUp('ada@example.com');
    const times = (count: number) =>
      ada.send(
        `mutation { ${Array.from({ length: count }, (_, n) => `t${n}: accessToken(audience: "${audience}") { __typename }`).join(' ')} }`,
      );
    expect((await times(11)).errors[0].message).toContain('complexity');
    expect(Object.keys((await times(9)).data)).toHaveLength(9);
    ada.antiCSRFToken = null;
    expect((await times(1)).code).toBe('CSRF_TOKEN_INVALID');
  });
});
