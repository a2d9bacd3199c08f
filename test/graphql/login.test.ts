import { describe, expect, it } from 'vitest';
import { password, realHashing, startApi } from '../support/api.ts';
import { textOf } from '../support/text.ts';

const me = '{ viewer { email } currentSession { id } }';

describe('signUp', () => {
  it('creates an account and signs its user in', async () => {
    const api = await startApi();
    const ada = api.client();
    const result = await ada.signUp('  Ada@Example.COM ', 'BEARER');
    expect(result).toMatchObject({ __typename: 'SignInPayload', viewer: { email: 'ada@example.com' } });
    expect(await ada.ask('{ viewer { email name role } }')).toEqual({
      viewer: { email: 'ada@example.com', name: null, role: 'user' },
    });
  });

  it('refuses a taken address in every spelling, and creates no user', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const other = api.client();
    expect(await other.signUp('ADA@example.com', 'COOKIE')).toMatchObject({ code: 'EMAIL_TAKEN' });
    expect(other.cookie).toBeNull();
    expect(await api.database.user.count()).toBe(1);
    expect(await api.database.session.count()).toBe(1);
  });

  it('reports all validation errors at once, with their paths', async () => {
    const api = await startApi();
    const data = await api.client().ask(
      `mutation ($name: String) { signUp(email: "ada@", password: "too short", name: $name) {
        ... on ValidationError { code issues { path message } } } }`,
      { name: 'Ada\u0000' },
    );
    expect(data.signUp.code).toBe('VALIDATION_FAILED');
    expect(data.signUp.issues.map((issue: { path: string[] }) => issue.path)).toEqual([
      ['email'],
      ['name'],
      ['password'],
    ]);
    expect(await api.database.user.count()).toBe(0);
  });

  it('stores neither the password nor the token', async () => {
    const api = await startApi({ passwords: realHashing });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const rows = textOf([
      await api.database.$queryRawUnsafe('SELECT "email", "hashedPassword" FROM "User"'),
      await api.database.$queryRawUnsafe('SELECT "handle", "hashedSessionToken", "antiCSRFToken" FROM "Session"'),
    ]);
    expect(rows).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    expect(rows).not.toContain(password);
    expect(rows).not.toContain(ada.token);
    expect(rows).not.toContain(ada.token?.split('.')[1]);
  });
});

describe('login', () => {
  it('gives a bearer client the token, and sets no cookie', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const ada = api.client();
    const result = await ada.login('ADA@example.com', 'BEARER');
    expect(result).toMatchObject({
      antiCSRFToken: null,
      token: expect.stringMatching(/^gqs_[0-9a-f]{32}\.[\w-]{43}$/),
    });
    expect(ada.cookie).toBeNull();
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('gives a browser an HttpOnly cookie and the anti-CSRF token, and never the token in the body', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const ada = api.client();
    const { headers, data } = await ada.send(
      `mutation { login(email: "ada@example.com", password: "${password}") {
        ... on SignInPayload { token antiCSRFToken } } }`,
    );
    expect(data.login).toEqual({ token: null, antiCSRFToken: expect.stringMatching(/^[\w-]{43}$/) });
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^session=gqs_[0-9a-f]{32}\.[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/^device=[0-9a-f]{32}\.[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('makes the cookie Secure and __Host- over https', async () => {
    const api = await startApi({ publicUrl: new URL('https://accounts.example.com') });
    const ada = await api.signUp('ada@example.com');
    expect(ada.cookie).toMatch(/^__Host-session=/);
    expect(await ada.ask(me)).toMatchObject({ viewer: { email: 'ada@example.com' } });
  });

  it('refuses a wrong password and an unknown email in the same way', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const wrongPassword = await api.client().login('ada@example.com', 'COOKIE', 'not the right password');
    const unknownEmail = await api.client().login('bob@example.com', 'COOKIE', 'not the right password');
    expect(wrongPassword).toMatchObject({ __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS' });
    expect(unknownEmail).toEqual(wrongPassword);
  });

  it('finds no user by a part of an address, a pattern or a list', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    for (const email of ['ada@', '%', 'a_a@example.com', 'ada@example.com,bob@example.com', 'x@y.z ada@example.com']) {
      const result = await api.client().login(email);
      expect(result.code, email).toMatch(/^(VALIDATION_FAILED|INVALID_CREDENTIALS)$/);
    }
  });

  it('accepts a password in another Unicode form', async () => {
    const api = await startApi();
    const composed = 'p\u00e4ssw\u00f6rd \ufb01ve hundred';
    await api.client().ask(`mutation ($p: String!) { signUp(email: "zoe@example.com", password: $p) { __typename } }`, {
      p: composed,
    });
    const decomposed = composed.normalize('NFKD');
    expect(decomposed).not.toBe(composed);
    expect(await api.client().login('zoe@example.com', 'COOKIE', decomposed)).toMatchObject({
      __typename: 'SignInPayload',
    });
  });

  it('starts a new session and ends the one of the request, so that none can be planted', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const planted = { cookie: ada.cookie, antiCSRFToken: ada.antiCSRFToken };
    const { currentSession: before } = await ada.ask(me);
    await ada.login('ada@example.com');
    const { currentSession: after } = await ada.ask(me);
    expect(after.id).not.toBe(before.id);
    const intruder = Object.assign(api.client(), planted);
    expect(await intruder.ask(me)).toEqual({ viewer: null, currentSession: null });
  });

  it('makes the rest of the operation run as the user who has just logged in', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const data = await api.client().ask(
      `mutation { login(email: "ada@example.com", password: "${password}", transport: BEARER) {
          ... on SignInPayload { session { isCurrent user { sessions { isCurrent } } } } }
        revokeAll { revokedSessionIds viewer { id } } }`,
    );
    expect(data.login.session.isCurrent).toBe(true);
    expect(data.revokeAll).toMatchObject({ viewer: null });
    expect(data.revokeAll.revokedSessionIds).toHaveLength(2);
  });
});
