/** @module-tag slow/hashing */
import { describe, expect, inject, it } from 'vitest';
import { reauthenticate } from '../../src/accounts/reauthenticate.ts';
import { hashPassword } from '../../src/passwords/password.ts';
import { password, realHashing, rotating, startApi, type TestApi } from '../support/api.ts';
import { isPostgresql } from '../support/database.ts';
import { foreignHashes } from '../support/foreign-hashes.ts';
import { userScope } from '../support/scope.ts';

const email = 'ada@example.com';
const todays = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;
const change = `mutation ($current: String!, $new: String!) { changePassword(currentPassword: $current, newPassword: $new) {
  __typename ${rotating.changePassword} } }`;
const prove = `mutation ($password: String!) { reauthenticate(password: $password) { __typename ${rotating.reauthenticate} } }`;
const fresh = 'another battery staple';

/** Starts a server whose only user has this hash from another system. */
async function startWith(hashedPassword: string | null): Promise<TestApi> {
  const api = await startApi({ passwords: realHashing });
  await api.database.user.create({ data: { email, hashedPassword, role: 'user' } });
  return api;
}

function userOf({ database }: TestApi) {
  return database.user.findUniqueOrThrow({ where: { email } });
}

/** Replaces the stored hash by one of another system. */
async function takeOver({ database }: TestApi, hashedPassword: string): Promise<void> {
  await database.user.update({ where: { email }, data: { hashedPassword } });
}

/** The formats: no database knows the difference, so one of them has only two. */
const formats = Object.entries(foreignHashes).slice(0, isPostgresql(inject('templateDatabase')) ? 2 : undefined);

describe('user with a hash of another system', () => {
  it.each(formats)('logs in, by %s', async (_maker, hash) => {
    const api = await startWith(hash);
    expect(await api.client().login(email, 'BEARER', `${password}!`)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(await userOf(api)).toMatchObject({ hashedPassword: hash });
    expect(await api.client().login(email)).toMatchObject({ viewer: { email } });
    expect(await api.client().login(email)).toMatchObject({ viewer: { email } });
    expect(await api.client().login(email, 'BEARER', `${password}!`)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    expect(api.reported).toEqual([]);
  });

  it.each(formats.filter(([maker]) => maker !== 'argon2id of argon2-cffi'))(
    'has a hash of the policy after the first login, once, in place of %s',
    async (_maker, hash) => {
      const api = await startWith(hash);
      const before = await userOf(api);
      await api.client().login(email);
      const { hashedPassword, ...rest } = await userOf(api);
      expect(hashedPassword).toMatch(todays);
      expect({ ...rest, hashedPassword: hash }).toEqual(before);
      await api.client().login(email);
      expect((await userOf(api)).hashedPassword).toBe(hashedPassword);
    },
  );

  it('keeps a hash that costs no less than the policy', async () => {
    const hash = foreignHashes['argon2id of argon2-cffi'];
    const api = await startWith(hash);
    await api.client().login(email);
    expect((await userOf(api)).hashedPassword).toBe(hash);
  });

  it('has a costlier hash after the first login under a raised policy', async () => {
    const hash = await hashPassword(password, realHashing);
    const next = await startApi({ passwords: { ...realHashing, passes: 3 } });
    await next.database.user.create({ data: { email, hashedPassword: hash, role: 'user' } });
    await next.client().login(email);
    expect((await userOf(next)).hashedPassword).toMatch(/^\$argon2id\$v=19\$m=19456,t=3,p=1\$/);
  });

  it('logs in from several devices concurrently', async () => {
    const api = await startWith(foreignHashes['bcrypt $2b$']);
    const logins = await Promise.all(Array.from({ length: 8 }, () => api.client().login(email, 'BEARER')));
    for (const login of logins) expect(login).toMatchObject({ viewer: { email } });
    expect(await api.database.session.count()).toBe(8);
    const { hashedPassword } = await userOf(api);
    expect(hashedPassword).toMatch(todays);
    await api.client().login(email);
    expect((await userOf(api)).hashedPassword).toBe(hashedPassword);
  });

  it('keeps a password that was changed while a login with the old one was rewriting its hash', async () => {
    const api = await startWith(foreignHashes['bcrypt $2b$']);
    const ada = api.client();
    await ada.login(email, 'BEARER');
    for (let round = 0; round < 4; round += 1) {
      await takeOver(api, foreignHashes['bcrypt $2b$']);
      const thieves = Array.from({ length: 4 }, () => api.client());
      const logins = thieves.map((thief) => thief.login(email, 'BEARER'));
      const [{ changePassword }] = await Promise.all([ada.ask(change, { current: password, new: fresh }), ...logins]);
      expect(changePassword.__typename).toBe('ChangePasswordPayload');
      expect(await api.client().login(email, 'BEARER')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
      expect(await api.client().login(email, 'BEARER', fresh)).toMatchObject({ viewer: { email } });
      for (const thief of thieves) expect((await thief.ask('{ viewer { id } }')).viewer).toBeNull();
    }
  });

  it('proves and changes the password in an existing session', async () => {
    const api = await startWith(foreignHashes['argon2id of Blitz.js']);
    const ada = api.client();
    await ada.login(email, 'BEARER');
    await takeOver(api, foreignHashes['argon2id of Blitz.js']);
    expect((await ada.ask(prove, { password })).reauthenticate.__typename).toBe('ReauthenticatePayload');
    expect((await ada.ask(prove, { password: fresh })).reauthenticate.__typename).toBe('InvalidCredentialsError');
    const { changePassword } = await ada.ask(change, { current: password, new: fresh });
    expect(changePassword.__typename).toBe('ChangePasswordPayload');
    expect(await api.client().login(email, 'BEARER', fresh)).toMatchObject({ viewer: { email } });
  });
});

describe('reauthenticate', () => {
  it('proves a password whose hash a login has rewritten since the user was read', async () => {
    const api = await startWith(foreignHashes['bcrypt $2b$']);
    const user = await userOf(api);
    await api.client().login(email);
    const session = await api.database.session.findFirstOrThrow();
    const { now } = api.clock;
    const prove = (secret: string, inSession = session) =>
      reauthenticate(api.database, userScope({ ...inSession, user }, now), { password: secret }, api.config);
    expect((await prove(password)).session.authenticatedAt).toEqual(now);
    await takeOver(api, foreignHashes['pbkdf2_sha256 of Django']);
    await expect(prove(password, { ...session, id: 0n })).rejects.toThrow('is wrong');
    await expect(prove(fresh)).rejects.toThrow('is wrong');
  });
});

describe('user without a password, or with an unknown hash', () => {
  it.each([null, '', password, '$2b$31$NcajGG657dix375n4HWLfefcWuXaFPgRy3D0.5bRCUF57SNWHA18y'])(
    'such as %j, is refused in the same way as an unknown address',
    async (hash) => {
      const api = await startWith(hash);
      const unknown = await api.client().login('bob@example.com');
      expect(unknown).toMatchObject({ code: 'INVALID_CREDENTIALS' });
      expect(await api.client().login(email)).toEqual(unknown);
      expect(await api.client().login(email, 'COOKIE', '')).toEqual(unknown);
      expect((await userOf(api)).hashedPassword).toBe(hash);
      expect(api.reported).toEqual([]);
    },
  );
});
