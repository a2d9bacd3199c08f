import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { password, rotating, startApi } from '../support/api.ts';
import { isPostgresql } from '../support/database.ts';
import { deliverMail } from '../support/mail.ts';
import { textOf } from '../support/text.ts';

const named = '... on ViewerPayload { viewer { name } } ... on UserError { code }';
const deleted = '... on DeleteUserPayload { deletedUserId revokedSessionIds } ... on UserError { code }';

describe('updateProfile', () => {
  it('changes the name, trims it, and removes it', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    expect(await ada.act('updateProfile', { name: ' Ada Lovelace ' }, named)).toMatchObject({
      viewer: { name: 'Ada Lovelace' },
    });
    expect((await ada.ask('{ viewer { name } }')).viewer.name).toBe('Ada Lovelace');
    expect(await ada.act('updateProfile', { name: 'a'.repeat(201) }, named)).toMatchObject({
      code: 'VALIDATION_FAILED',
    });
    expect(await ada.act('updateProfile', { name: 'a\u0000b' }, named)).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(await ada.act('updateProfile', {}, named)).toMatchObject({ viewer: { name: null } });
  });
});

describe('accounts that a stranger creates and deletes with the address of another person', () => {
  it('mail an address five times an hour at most, and it can sign up all the same', async () => {
    const api = await startApi();
    const names: string[] = [];
    for (let time = 0; time < 7; time += 1) {
      const stranger = await api.signUp('ada@example.com');
      names.push(...(await deliverMail(api)).map(({ name }) => name));
      await stranger.act('deleteAccount', { password });
      names.push(...(await deliverMail(api)).map(({ name }) => name));
    }
    for (const kind of ['verify-email', 'account-deleted']) {
      expect(names.filter((name) => name === kind)).toHaveLength(5);
    }
    const ada = await api.signUp('ada@example.com');
    api.clock.now = new Date(api.clock.now.getTime() + 3_600_000);
    await ada.act('requestEmailVerification', {}, 'email');
    expect(await deliverMail(api)).toMatchObject([{ name: 'verify-email' }]);
  });
});

describe('deleteAccount', () => {
  it('leaves no personal data behind, in no table', async () => {
    const api = await startApi();
    const agent = { 'user-agent': 'the browser of Ada' };
    const ada = api.client();
    const visit =
      'mutation { setPublicData(data: { note: "of Ada" }, transport: BEARER) { ... on SessionDataPayload { token } } }';
    ada.token = (await ada.send(visit, {}, agent)).data.setPublicData.token;
    await ada.signUp('ada@example.com', 'BEARER');
    await ada.act('updateProfile', { name: 'Ada Lovelace' });
    await ada.send('mutation { setPublicData(data: { note: "of Ada" }) { __typename } }', {}, agent);
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    await phone.send(
      `mutation { reauthenticate(password: "${password}") { __typename ${rotating.reauthenticate} } }`,
      {},
      agent,
    );
    await api
      .client()
      .send('mutation { login(email: "ada@example.com", password: "wrong") { __typename } }', {}, agent);
    await ada.act('requestPasswordReset', { email: 'ada@example.com' });
    await deliverMail(api);
    await ada.act('requestEmailVerification');
    const { viewer } = await ada.ask('{ viewer { id } }');
    expect(await ada.act('deleteAccount', { password: 'wrong' }, deleted)).toMatchObject({
      code: 'INVALID_CREDENTIALS',
    });
    const result = await ada.act('deleteAccount', { password }, deleted);
    expect(result.deletedUserId).toBe(viewer.id);
    expect(result.revokedSessionIds).toHaveLength(2);
    for (const client of [ada, phone])
      expect((await client.ask('{ currentSession { id } }')).currentSession).toBeNull();
    // The last mail tells them, and then the address is gone too.
    expect(await deliverMail(api)).toMatchObject([{ name: 'account-deleted', to: 'ada@example.com' }]);
    const { user, session, userToken, mail, auditEvent } = api.database;
    const rest = await Promise.all([user, session, userToken, mail].map((model) => (model as typeof user).count()));
    // Only the fact of the visit is left, and that of the two sessions, whose clients may ask why they ended.
    expect(rest).toEqual([0, 3, 0, 0]);
    const nothing = { userId: null, publicData: null, privateData: null, userAgent: null, ipAddress: null };
    const forgotten = {
      ...nothing,
      lastSeenAt: null,
      authenticatedAt: null,
      authenticationMethods: null,
      proofs: null,
    };
    expect(await session.findMany({ orderBy: { id: 'asc' } })).toMatchObject([nothing, forgotten, forgotten]);
    const events = await auditEvent.findMany();
    expect(events.map(({ type }) => type)).toContain('USER_DELETED');
    expect(textOf(events)).not.toMatch(/ada@|Ada/);
    expect(await api.client().login('ada@example.com')).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  it('leaves nothing in the file either', async () => {
    const api = await startApi();
    if (isPostgresql(api.url)) return;
    const file = api.url.replace('file:', '');
    const ada = await api.signUp('ada.lovelace@example.com', 'BEARER');
    await ada.act('updateProfile', { name: 'Ada Lovelace' });
    await deliverMail(api);
    const { hashedPassword } = await api.database.user.findFirstOrThrow();
    await ada.act('deleteAccount', { password });
    await deliverMail(api);
    await api.database.$disconnect();
    const bytes = await readFile(file, 'latin1');
    expect(bytes).toContain('USER_DELETED');
    for (const trace of ['lovelace', 'Lovelace', hashedPassword ?? '']) expect(bytes).not.toContain(trace);
  });

  it('leaves no session to a concurrent login', async () => {
    for (let round = 0; round < 3; round += 1) {
      const api = await startApi();
      const ada = await api.signUp('ada@example.com', 'BEARER');
      const others = Array.from({ length: 4 }, () => api.client());
      const logins = others.map((other) => other.login('ada@example.com', 'BEARER'));
      await Promise.all([...logins, ada.act('deleteAccount', { password })]);
      expect(await api.database.user.count()).toBe(0);
      expect(await api.database.session.count({ where: { hashedSessionToken: { not: null } } })).toBe(0);
      expect(await api.database.session.count({ where: { userId: { not: null } } })).toBe(0);
      for (const other of others) expect((await other.ask('{ currentSession { id } }')).currentSession).toBeNull();
      expect(api.reported).toEqual([]);
    }
  });

  it('never reuses the id', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { viewer } = await ada.ask('{ viewer { id } }');
    await ada.act('deleteAccount', { password });
    const again = await api.signUp('ada@example.com', 'BEARER');
    expect((await again.ask('{ viewer { id } }')).viewer.id).not.toBe(viewer.id);
  });
});
