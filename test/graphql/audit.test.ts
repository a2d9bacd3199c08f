import { describe, expect, it } from 'vitest';
import { maintain } from '../../src/maintenance/maintenance.ts';
import { type Client, password, startApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const fresh = 'another battery staple';

async function historyOf(client: Client): Promise<string[]> {
  const { viewer } = await client.ask('{ viewer { auditEvents(first: 100) { nodes { type } } } }');
  return viewer.auditEvents.nodes.map(({ type }: { type: string }) => type).reverse();
}

describe('audit events', () => {
  it('are complete and in order for their user', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await api.client().login('ada@example.com', 'BEARER', 'wrong');
    const phone = api.client();
    await phone.login('ada@example.com', 'BEARER');
    await ada.act('reauthenticate', { password: 'wrong' });
    await ada.act('reauthenticate', { password });
    await phone.act('logout');
    await phone.login('ada@example.com', 'BEARER');
    await ada.act('revokeOthers');
    await ada.act('changePassword', { currentPassword: password, newPassword: fresh });
    await ada.act('requestEmailVerification');
    await ada.act('verifyEmail', { token: tokenIn(await deliverMail(api), 'verify-email') });
    await ada.act('requestEmailChange', { newEmail: 'lovelace@example.com', password: fresh });
    await ada.act('confirmEmailChange', { token: tokenIn(await deliverMail(api), 'confirm-email-change') });
    await ada.act('requestPasswordReset', { email: 'lovelace@example.com' });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const reset =
      'mutation ($token: String!) { resetPassword(token: $token, newPassword: "battery staple correct", transport: BEARER) { ... on SignInPayload { token } } }';
    ada.token = (await ada.ask(reset, { token })).resetPassword.token;
    expect(await historyOf(ada)).toEqual([
      'SIGNED_UP',
      'LOGIN_FAILED',
      'LOGGED_IN',
      'PASSWORD_CHECK_FAILED',
      'REAUTHENTICATED',
      'LOGGED_OUT',
      'LOGGED_IN',
      'SESSION_REVOKED',
      'PASSWORD_CHANGED',
      'EMAIL_VERIFIED',
      'EMAIL_CHANGE_REQUESTED',
      'EMAIL_CHANGED',
      'PASSWORD_RESET_REQUESTED',
      'SESSION_REVOKED',
      'PASSWORD_RESET',
    ]);
    expect(await historyOf(await api.signUp('bob@example.com'))).toEqual(['SIGNED_UP']);
  });

  it('are counted for their user over all pages, but only if the count is selected', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (const secret of ['wrong', 'wrong again']) await ada.act('reauthenticate', { password: secret });
    await api.signUp('bob@example.com');
    const { viewer } = await ada.ask('{ viewer { auditEvents(first: 1) { totalCount nodes { type } } } }');
    expect(viewer.auditEvents).toEqual({ totalCount: 3, nodes: [{ type: 'PASSWORD_CHECK_FAILED' }] });
    api.statements.length = 0;
    await ada.ask('{ viewer { auditEvents(first: 1) { nodes { type } edges { cursor } pageInfo { hasNextPage } } } }');
    expect(api.statements.filter((sql) => /COUNT\(/i.test(sql))).toEqual([]);
    await ada.ask('{ viewer { auditEvents { totalCount } } }');
    expect(api.statements.filter((sql) => /COUNT\(/i.test(sql))).toHaveLength(1);
  });

  it('contain the time, the session and the client', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const query =
      '{ viewer { auditEvents { nodes { type createdAt isOwn sessionHandle userAgent ipAddress detail } } } currentSession { handle } }';
    await api
      .client()
      .send(
        'mutation { login(email: "ada@example.com", password: "wrong") { __typename } }',
        {},
        { 'user-agent': 'curl/8.5.0' },
      );
    const { viewer, currentSession } = await ada.ask(query);
    const createdAt = api.clock.now.toISOString();
    expect(viewer.auditEvents.nodes).toEqual([
      {
        type: 'LOGIN_FAILED',
        createdAt,
        isOwn: false,
        sessionHandle: null,
        userAgent: 'curl/8.5.0',
        ipAddress: null,
        detail: null,
      },
      {
        type: 'SIGNED_UP',
        createdAt,
        isOwn: true,
        sessionHandle: currentSession.handle,
        userAgent: null,
        ipAddress: null,
        detail: null,
      },
    ]);
  });

  it('hide the client of an administrator from users, and show actor and client to administrators', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { viewer } = await ada.ask('{ viewer { id } }');
    await root.send(
      `mutation { setUserRole(id: "${viewer.id}", role: "editor") { __typename } }`,
      {},
      { 'user-agent': 'the one of root' },
    );
    const seen = await ada.ask('{ viewer { auditEvents(first: 1) { nodes { type isOwn userAgent detail } } } }');
    expect(seen.viewer.auditEvents.nodes).toEqual([
      { type: 'ROLE_CHANGED', isOwn: false, userAgent: null, detail: 'user → editor' },
    ]);
    const filter = `userId: "${viewer.id}", type: ROLE_CHANGED`;
    const { auditEvents } = await root.ask(
      `{ auditEvents(${filter}) { totalCount nodes { actor { email } user { email } userAgent } } }`,
    );
    expect(auditEvents).toEqual({
      totalCount: 1,
      nodes: [
        { actor: { email: 'root@example.com' }, user: { email: 'ada@example.com' }, userAgent: 'the one of root' },
      ],
    });
  });

  it('show the client of guesses and requests for links, also if sent in a session of another user', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const eve = Object.assign(await api.signUp('eve@example.com', 'BEARER'), { address: '192.0.2.10' });
    const device = { 'user-agent': 'the one of Eve' };
    const guess = (secret: string) =>
      eve.send(`mutation { login(email: "ada@example.com", password: "${secret}") { __typename } }`, {}, device);
    await guess('wrong');
    await eve.send('mutation { requestPasswordReset(email: "ada@example.com") { email } }', {}, device);
    const suspended = { email: 'ada@example.com' };
    await api.database.user.update({ where: suspended, data: { suspendedAt: api.clock.now } });
    await guess(password);
    await api.database.user.update({ where: suspended, data: { suspendedAt: null } });
    const fields = 'type isOwn ipAddress userAgent sessionHandle';
    const types = ['LOGIN_REFUSED', 'PASSWORD_RESET_REQUESTED', 'LOGIN_FAILED'];
    const seen = { isOwn: false, ipAddress: '192.0.2.10', userAgent: 'the one of Eve', sessionHandle: null };
    const ofAda = `{ viewer { auditEvents(first: 3) { nodes { ${fields} } } } }`;
    const expected = types.map((type) => ({ type, ...seen }));
    expect((await ada.ask(ofAda)).viewer.auditEvents.nodes).toEqual(expected);
    const { auditEvents } = await root.ask('{ auditEvents(first: 3) { nodes { type actor { email } ipAddress } } }');
    expect(auditEvents.nodes).toEqual(types.map((type) => ({ type, actor: null, ipAddress: '192.0.2.10' })));
    // As an earlier version wrote them down.
    const { id: actorId } = await api.database.user.findUniqueOrThrow({ where: { email: 'eve@example.com' } });
    await api.database.auditEvent.updateMany({ where: { type: { in: types } }, data: { actorId } });
    expect((await ada.ask(ofAda)).viewer.auditEvents.nodes).toEqual(expected);
  });

  it('have the user as the actor after a proof by a link or a token, in a session of any user', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com', 'BEARER');
    const eve = await api.signUp('eve@example.com', 'BEARER');
    await deliverMail(api);
    await eve.act('requestPasswordReset', { email: 'ada@example.com' });
    const token = tokenIn(await deliverMail(api), 'reset-password');
    const shared = Object.assign(api.client(), { token: eve.token, address: '192.0.2.20' });
    const { data } = await shared.send(
      `mutation { resetPassword(token: "${token}", newPassword: "${fresh}", transport: BEARER) {
        ... on SignInPayload { token } } }`,
    );
    const query = '{ viewer { auditEvents(first: 3) { nodes { type isOwn ipAddress } } } }';
    const ada = Object.assign(api.client(), { token: data.resetPassword.token });
    expect((await ada.ask(query)).viewer.auditEvents.nodes).toEqual(
      ['PASSWORD_RESET', 'SESSION_REVOKED', 'EMAIL_VERIFIED'].map((type) => ({
        type,
        isOwn: true,
        ipAddress: '192.0.2.20',
      })),
    );
    // The session that the link was followed in ended by its own token.
    await eve.login('eve@example.com', 'BEARER');
    expect((await eve.ask(query)).viewer.auditEvents.nodes[1]).toEqual({
      type: 'LOGGED_OUT',
      isOwn: true,
      ipAddress: '192.0.2.20',
    });
  });

  it('are not written if their operation is not done', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const before = await api.database.auditEvent.count();
    await ada.act('changePassword', { currentPassword: password, newPassword: 'short' });
    await ada.act('revoke', { id: 'none' });
    await ada.act('verifyEmail', { token: 'none' });
    await api.client().act('logout');
    expect(await api.database.auditEvent.count()).toBe(before);
  });

  it('are deleted after their retention', async () => {
    const api = await startApi();
    await api.signUp('ada@example.com');
    const clock = { now: () => api.clock.now, stop: () => {} };
    const pass = (ms: number) => {
      api.clock.now = new Date(api.clock.now.getTime() + ms);
    };
    pass(api.config.auditRetentionMs - 1_000);
    await api.signUp('bob@example.com');
    await maintain(api.database, api.config, clock);
    const types = async () =>
      (await api.database.auditEvent.findMany({ orderBy: { at: 'asc' } })).map(({ type }) => type);
    // The expiry of a session is recorded late, and kept from when it happened.
    expect(await types()).toEqual(['SIGNED_UP', 'SESSION_EXPIRED', 'SIGNED_UP']);
    pass(2_000);
    await maintain(api.database, api.config, clock);
    expect(await types()).toEqual(['SESSION_EXPIRED', 'SIGNED_UP']);
  });
});
