import { describe, expect, it } from 'vitest';
import { password, startApi } from '../support/api.ts';

const change = `mutation ($current: String!, $new: String!) { changePassword(currentPassword: $current, newPassword: $new) {
  __typename ... on ChangePasswordPayload { viewer { email sessions { isCurrent } } session { id authenticatedAt isCurrent } token antiCSRFToken }
  ... on UserError { code } } }`;
const prove = `mutation ($password: String!) { reauthenticate(password: $password) {
  __typename ... on ReauthenticatePayload { session { authenticatedAt } token antiCSRFToken } ... on UserError { code } } }`;
const revoke = `mutation ($id: ID!) { revoke(id: $id) { __typename ... on UserError { code } } }`;
const fresh = 'another battery staple';

describe('changePassword', () => {
  it('ends every other session, keeps this one, and only the new password opens the account', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    const bob = await api.signUp('bob@example.com', 'BEARER');
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    const { changePassword } = await ada.ask(change, { current: password, new: fresh });
    expect(changePassword).toMatchObject({ viewer: { email: 'ada@example.com', sessions: [{ isCurrent: true }] } });
    expect((await phone.ask('{ viewer { id } }')).viewer).toBeNull();
    const { currentSession } = await ada.ask('{ currentSession { authenticatedAt } }');
    expect(currentSession.authenticatedAt).toBe(api.clock.now.toISOString());
    expect((await ada.ask('{ viewer { email } }')).viewer).toEqual({ email: 'ada@example.com' });
    expect((await bob.ask('{ viewer { email } }')).viewer).toEqual({ email: 'bob@example.com' });
    expect(await api.client().login('ada@example.com', 'COOKIE', password)).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
    expect(await api.client().login('ada@example.com', 'COOKIE', fresh)).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('changes nothing with a wrong current password, or a refused new one', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    expect((await ada.ask(change, { current: fresh, new: fresh })).changePassword.code).toBe('INVALID_CREDENTIALS');
    expect((await ada.ask(change, { current: password, new: 'short' })).changePassword.code).toBe('VALIDATION_FAILED');
    expect((await phone.ask('{ viewer { id } }')).viewer).not.toBeNull();
    expect(await api.client().login('ada@example.com')).toMatchObject({ __typename: 'SignInPayload' });
    expect((await api.client().send(change, { current: password, new: fresh })).code).toBe('UNAUTHENTICATED');
  });

  it('is refused after 40 changes in a day, each of which is kept and mailed', async () => {
    const api = await startApi();
    const stranger = await api.signUp('ada@example.com');
    expect((await stranger.ask(change, { current: password, new: fresh })).changePassword.code).toBeUndefined();
    const counted = { key: { startsWith: 'password-changes:' } };
    expect(await api.database.rateLimit.updateMany({ where: counted, data: { points: 39 } })).toEqual({ count: 1 });
    expect((await stranger.ask(change, { current: fresh, new: password })).changePassword.code).toBeUndefined();
    expect((await stranger.ask(change, { current: password, new: fresh })).changePassword.code).toBe('RATE_LIMITED');
    expect(await api.database.accountChange.count()).toBe(2);
    expect(await api.client().login('ada@example.com')).toMatchObject({ __typename: 'SignInPayload' });
    api.clock.now = new Date(api.clock.now.getTime() + 24 * 3_600_000);
    expect((await stranger.ask(change, { current: password, new: fresh })).changePassword.code).toBeUndefined();
  });

  it('leaves no session to a concurrent login that checked the old password', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (let round = 0; round < 5; round += 1) {
      const [from, to] = round % 2 === 0 ? [password, fresh] : [fresh, password];
      const thieves = Array.from({ length: 6 }, () => api.client());
      const logins = thieves.map((thief) => thief.login('ada@example.com', 'BEARER', from));
      const [changed] = await Promise.all([ada.ask(change, { current: from, new: to }), ...logins]);
      expect(changed.changePassword.__typename).toBe('ChangePasswordPayload');
      for (const thief of thieves) expect((await thief.ask('{ viewer { id } }')).viewer).toBeNull();
    }
  });

  it('succeeds once for two concurrent requests', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const answers = await Promise.all(
      [1, 2, 3].map((n) => ada.ask(change, { current: password, new: `${fresh} ${n}` })),
    );
    const kinds = answers.map(({ changePassword }) => changePassword.__typename).sort();
    expect(kinds).toEqual(['ChangePasswordPayload', 'InvalidCredentialsError', 'InvalidCredentialsError']);
  });
});

describe('reauthenticate', () => {
  it('records the time of the proof, for this session only', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const start = api.clock.now.toISOString();
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    const query = '{ currentSession { authenticatedAt } }';
    expect((await ada.ask(query)).currentSession.authenticatedAt).toBe(start);
    expect((await ada.ask(prove, { password: 'not the password' })).reauthenticate.code).toBe('INVALID_CREDENTIALS');
    expect((await ada.ask(query)).currentSession.authenticatedAt).toBe(start);
    const now = api.clock.now.toISOString();
    expect((await ada.ask(prove, { password })).reauthenticate.session.authenticatedAt).toBe(now);
    expect((await ada.ask(query)).currentSession.authenticatedAt).toBe(now);
    expect((await api.client().send(prove, { password })).code).toBe('UNAUTHENTICATED');
  });

  it('is required before an administrator ends another user’s session, and never before users end their own', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const root = await api.signUp('root@example.com', 'BEARER');
    await api.database.user.update({ where: { email: 'root@example.com' }, data: { role: 'admin' } });
    const { id } = (await ada.ask('{ currentSession { id } }')).currentSession;
    api.clock.now = new Date(api.clock.now.getTime() + api.config.reauthenticateAfterMs + 1);
    expect((await root.ask(revoke, { id })).revoke).toEqual({
      __typename: 'ReauthenticationRequiredError',
      code: 'REAUTHENTICATION_REQUIRED',
    });
    expect((await ada.ask('{ viewer { id } }')).viewer).not.toBeNull();
    await root.ask(prove, { password });
    expect((await root.ask(revoke, { id })).revoke.__typename).toBe('RevokePayload');
    expect((await ada.ask('{ viewer { id } }')).viewer).toBeNull();

    api.clock.now = new Date(api.clock.now.getTime() + api.config.reauthenticateAfterMs + 1);
    const { currentSession } = await root.ask('{ currentSession { id } }');
    expect((await root.ask(revoke, { id: currentSession.id })).revoke.__typename).toBe('RevokePayload');
  });

  it('is required in a session without a recorded proof', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const root = await api.signUp('root@example.com', 'BEARER');
    await api.database.user.update({ where: { email: 'root@example.com' }, data: { role: 'admin' } });
    await api.database.session.updateMany({ data: { authenticatedAt: null } });
    const { id } = (await ada.ask('{ currentSession { id } }')).currentSession;
    expect((await root.ask(revoke, { id })).revoke.code).toBe('REAUTHENTICATION_REQUIRED');
  });
});
