import { describe, expect, it, onTestFinished } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { startRevocations, workOnRevocations } from '../../src/maintenance/revocations.ts';
import { type Client, startApi, type TestApi } from '../support/api.ts';
import { refuseRows } from '../support/database.ts';

const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0';
const hour = 3_600_000;

/** More than a batch. */
const count = 120;

/** Ada has many sessions: half of them by cookie, and a third with Firefox. A visitor has one, and so has the administrator. */
async function filled() {
  const api = await startApi();
  const root = await api.signUpAdmin('root@example.com');
  const now = api.clock.now.getTime();
  const { id: userId } = await api.database.user.create({ data: { email: 'ada@example.com', role: 'editor' } });
  const live = { hashedSessionToken: 'x', expiresAt: new Date(now + hour) };
  const rows = Array.from({ length: count }, (_, n) => ({
    ...live,
    handle: `h${n}`,
    userId,
    createdAt: new Date(now - (n + 1) * 1_000),
    lastSeenAt: new Date(now - n * 1_000),
    transport: n % 2 === 0 ? 'COOKIE' : 'BEARER',
    userAgent: n % 3 === 0 ? firefox : 'curl/8.5.0',
  }));
  await api.database.session.createMany({ data: rows });
  const visitor = { handle: 'visitor', createdAt: api.clock.now, lastSeenAt: api.clock.now };
  await api.database.session.create({ data: { ...live, ...visitor } });
  return { api, root, ada: toNodeId('User', userId), now };
}

const fields = 'id state examined matched progress isDryRun error filter requestedBy { email } finishedAt';
const payload = `__typename ... on RevocationPayload { revocation { ${fields} } } ... on UserError { code message }`;

async function request(root: Client, filter: object, { dryRun = false, includeOwn = false } = {}) {
  const query = `mutation ($filter: RevokeSessionsFilter!, $dryRun: Boolean!, $includeOwn: Boolean!) {
    revokeSessions(filter: $filter, dryRun: $dryRun, includeOwn: $includeOwn) { ${payload} } }`;
  return (await root.ask(query, { filter, dryRun, includeOwn })).revokeSessions;
}

async function find(root: Client, id: string) {
  return (await root.ask(`query ($id: ID!) { revocation(id: $id) { ${fields} } }`, { id })).revocation;
}

/** Works on all revocations, or until `batches` of them are done. */
function work({ database, clock, reported }: TestApi, batches = Number.POSITIVE_INFINITY): Promise<void> {
  let left = batches;
  const options = {
    database,
    clock: { now: () => clock.now, stop: () => {} },
    report: (error: unknown) => reported.push(error),
  };
  return workOnRevocations(options, () => {
    left -= 1;
    return left >= 0;
  });
}

const ended = ({ database }: TestApi) => database.session.count({ where: { endReason: 'REVOKED_BY_ADMIN' } });
const events = ({ database }: TestApi) => database.auditEvent.count({ where: { type: 'SESSION_REVOKED' } });

describe('revokeSessions', () => {
  it('ends all sessions that were live at its request, except the own one, with their events', async () => {
    const { api, root } = await filled();
    // One that another server has just started, by a clock that is ahead.
    const ahead = {
      createdAt: new Date(api.clock.now.getTime() + 500),
      expiresAt: new Date(api.clock.now.getTime() + hour),
    };
    await api.database.session.create({ data: { handle: 'ahead', hashedSessionToken: 'x', ...ahead } });
    const { revocation } = await request(root, { all: true });
    expect(revocation).toMatchObject({ state: 'PENDING', examined: 0, matched: 0, progress: 0, finishedAt: null });
    expect(revocation).toMatchObject({ filter: {}, requestedBy: { email: 'root@example.com' } });
    api.clock.now = new Date(api.clock.now.getTime() + 1_000);
    const late = await api.signUp('late@example.com', 'BEARER');
    await work(api);
    const done = { state: 'DONE', examined: count + 3, matched: count + 1, progress: 1, error: null };
    expect(await find(root, revocation.id)).toMatchObject({ ...done, finishedAt: api.clock.now.toISOString() });
    expect(await ended(api)).toBe(count + 1);
    // The visitor has no history.
    expect(await events(api)).toBe(count);
    const { id } = await api.database.user.findFirstOrThrow({ where: { email: 'root@example.com' } });
    expect(await api.database.auditEvent.count({ where: { actorId: id, detail: 'REVOKED_BY_ADMIN' } })).toBe(count);
    expect((await late.ask('{ viewer { email } }')).viewer).not.toBeNull();
    const { revocations } = await root.ask('{ revocations { totalCount nodes { id } } }');
    expect(revocations).toEqual({ totalCount: 1, nodes: [{ id: revocation.id }] });
    expect(api.reported).toEqual([]);
  });

  it('ends the own session too on request', async () => {
    const { api, root } = await filled();
    await request(root, { role: 'admin' }, { includeOwn: true });
    await work(api);
    expect((await root.ask('{ viewer { id } lastSession { endReason endedBy } }')).lastSession).toEqual({
      endReason: 'REVOKED_BY_ADMIN',
      endedBy: 'ADMINISTRATOR',
    });
  });

  it('only counts with a dry run', async () => {
    const { api, root } = await filled();
    const { revocation } = await request(root, { role: 'editor' }, { dryRun: true });
    await work(api);
    expect(await find(root, revocation.id)).toMatchObject({ state: 'DONE', isDryRun: true, matched: count });
    expect(await ended(api)).toBe(0);
  });

  it('ends the sessions that meet every condition', async () => {
    const { api, root, ada, now } = await filled();
    const before = new Date(now - 10_000).toISOString();
    const filters: [filter: object, matched: number][] = [
      [{ role: 'editor' }, count],
      [{ role: 'nobody' }, 0],
      [{ userIds: [ada] }, count],
      [{ createdBefore: before }, count - 10],
      [{ lastSeenBefore: before }, count - 11],
      [{ clientName: 'Firefox on Windows' }, count / 3],
      [{ clientName: 'Firefox on Linux' }, 0],
      [{ transport: 'COOKIE' }, count / 2],
      [{ transport: 'BEARER', clientName: 'Firefox on Windows', userIds: [ada] }, count / 6],
    ];
    const requested = [];
    for (const [filter] of filters) requested.push((await request(root, filter, { dryRun: true })).revocation.id);
    await work(api);
    for (const [index, [filter, matched]] of filters.entries()) {
      expect(await find(root, requested[index]), JSON.stringify(filter)).toMatchObject({ state: 'DONE', matched });
    }
    await request(root, { transport: 'BEARER', clientName: 'Firefox on Windows' });
    await work(api);
    expect(await ended(api)).toBe(count / 6);
  });

  it('continues after a crash, and ends each session once', async () => {
    const { api, root } = await filled();
    const { revocation } = await request(root, { all: true });
    await work(api, 1);
    const { state, matched } = await find(root, revocation.id);
    expect(state).toBe('RUNNING');
    expect(matched).toBeGreaterThan(0);
    expect(matched).toBeLessThan(count);
    expect(await ended(api)).toBe(matched);
    await Promise.all([work(api), work(api)]);
    expect(await find(root, revocation.id)).toMatchObject({ state: 'DONE', matched: count + 1, examined: count + 2 });
    expect(await events(api)).toBe(count);
  });

  it('is cancelled, and what has ended stays ended', async () => {
    const { api, root } = await filled();
    const { revocation } = await request(root, { all: true });
    await work(api, 1);
    const { id } = revocation;
    const cancel = `mutation ($id: ID!) { cancelRevocation(id: $id) { revocation { state matched } } }`;
    const cancelled = (await root.ask(cancel, { id })).cancelRevocation.revocation;
    expect(cancelled.state).toBe('CANCELLED');
    await work(api);
    expect(await ended(api)).toBe(cancelled.matched);
    expect(await find(root, id)).toMatchObject({ state: 'CANCELLED', matched: cancelled.matched });
    expect(await root.ask(cancel, { id: 'none' })).toEqual({ cancelRevocation: { revocation: null } });
  });

  it('refuses a filter that could be a mistake', async () => {
    const { api, root, ada } = await filled();
    const refused: [filter: object, message: RegExp][] = [
      [{}, /no condition/],
      [{ all: false }, /no condition/],
      [{ all: true, role: 'user' }, /either "all"/],
      [{ role: 'a\u0000b' }, /role/i],
      [{ userIds: [] }, /at least one/],
      [{ userIds: ['none'] }, /not of a user/],
      [{ userIds: Array.from({ length: 101 }, () => ada) }, /At most 100/],
    ];
    for (const [filter, message] of refused) {
      expect(await request(root, filter)).toMatchObject({
        code: 'VALIDATION_FAILED',
        message: expect.stringMatching(message),
      });
    }
    expect(await api.database.revocation.count()).toBe(0);
    api.clock.now = new Date(api.clock.now.getTime() + api.config.reauthenticateAfterMs + 1);
    expect(await request(root, { all: true })).toMatchObject({ code: 'REAUTHENTICATION_REQUIRED' });
  });

  it('fails with a report, and lets the next one go on', async () => {
    const { api, root } = await filled();
    const first = (await request(root, { role: 'editor' })).revocation;
    const second = (await request(root, { role: 'nobody' })).revocation;
    await refuseRows(api, 'AuditEvent');
    await work(api);
    expect(await find(root, first.id)).toMatchObject({ state: 'FAILED', matched: 0, error: expect.any(String) });
    expect(await find(root, second.id)).toMatchObject({ state: 'DONE', matched: 0 });
    expect(await ended(api)).toBe(0);
    expect(api.reported).toHaveLength(1);
  });

  it('begins by itself', async () => {
    const { api, root } = await filled();
    const clock = { now: () => api.clock.now, stop: () => {} };
    const worker = startRevocations({ database: api.database, clock, report: (error) => api.reported.push(error) });
    onTestFinished(() => worker.stop());
    const { revocation } = await request(root, { all: true });
    await expect.poll(async () => (await find(root, revocation.id)).state).toBe('DONE');
    expect(await ended(api)).toBe(count + 1);
  });
});
