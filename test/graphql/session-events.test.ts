import { describe, expect, it, onTestFinished } from 'vitest';
import { endedStreams } from '../../src/diagnostics.ts';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';
import { type EventSource, subscribe } from '../support/event-source.ts';

const email = 'ada@example.com';

const query = `subscription ($after: String) {
  sessionEvents(after: $after) {
    __typename
    ... on SessionsSnapshot { cursor viewer { email sessions { handle } } currentSession { handle } }
    ... on SessionStarted { cursor sessionHandle session { handle state } }
    ... on SessionEnded { cursor sessionId sessionHandle reason endedAt }
    ... on SessionChanged { cursor sessionHandle session { publicData } }
    ... on ViewerChanged { cursor viewer { name } }
  }
}`;

/** Subscribes to the events of a client, and reads the snapshot. */
async function follow(client: Client, after: string | null = null) {
  const events = await subscribe(client, { query, variables: { after } });
  expect(events.status).toBe(200);
  const first = await events.next();
  expect(first.data?.sessionEvents.__typename, JSON.stringify(first)).toBe('SessionsSnapshot');
  return { events, snapshot: first.data.sessionEvents };
}

const nextOf = async (events: EventSource) => (await events.next())?.data?.sessionEvents;

/** Adds events of logins in one transaction. */
async function recordLogins({ database, clock }: TestApi, count: number): Promise<void> {
  const { userId, handle } = await database.session.findFirstOrThrow();
  const data = { type: 'LOGGED_IN', at: clock.now, userId, sessionHandle: handle };
  await database.auditEvent.createMany({ data: Array.from({ length: count }, () => data) });
}

const currentOf = async (client: Client) => (await client.ask('{ currentSession { id handle } }')).currentSession;

describe('sessionEvents', () => {
  it('begins with the current state, and tells what happens to the sessions of the user', async () => {
    const api = await startApi();
    const laptop = await api.signUp(email, 'BEARER');
    const own = await currentOf(laptop);
    const { events, snapshot } = await follow(laptop);
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    expect(events.headers.get('x-accel-buffering')).toBe('no');
    expect(events.headers.get('cache-control')).toBe('no-store');
    expect(snapshot).toMatchObject({
      viewer: { email, sessions: [{ handle: own.handle }] },
      currentSession: { handle: own.handle },
    });

    const phone = api.client();
    await phone.login(email, 'BEARER');
    const other = await currentOf(phone);
    expect(await nextOf(events)).toMatchObject({
      __typename: 'SessionStarted',
      sessionHandle: other.handle,
      session: { state: 'LIVE' },
    });
    await phone.ask('mutation { setPublicData(data: { theme: "dark" }) { __typename } }');
    expect(await nextOf(events)).toMatchObject({
      __typename: 'SessionChanged',
      sessionHandle: other.handle,
      session: { publicData: { theme: 'dark' } },
    });
    await laptop.act('updateProfile', { name: 'Ada' });
    expect(await nextOf(events)).toMatchObject({ __typename: 'ViewerChanged', viewer: { name: 'Ada' } });
    await laptop.act('revoke', { id: other.id });
    expect(await nextOf(events)).toMatchObject({
      __typename: 'SessionEnded',
      sessionId: other.id,
      sessionHandle: other.handle,
      reason: 'REVOKED',
      endedAt: api.clock.now.toISOString(),
    });
    await laptop.ask('mutation { logout { revokedSessionId } }');
    expect(await nextOf(events)).toMatchObject({ __typename: 'SessionEnded', sessionId: own.id, reason: 'LOGOUT' });
    expect(await events.next()).toBeNull();
    expect(api.reported).toEqual([]);
  });
});

describe('a stream', () => {
  it('continues after a cursor without a gap, on the events of its user only', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const { events, snapshot } = await follow(ada);
    await events.leave();
    await api.signUp('bob@example.com', 'BEARER');
    for (const name of ['One', 'Two', 'Three']) await ada.act('updateProfile', { name });
    const { events: resumed, snapshot: later } = await follow(ada, snapshot.cursor);
    expect(later.cursor).toBe(snapshot.cursor);
    const first = await nextOf(resumed);
    for (let count = 0; count < 2; count += 1) expect((await nextOf(resumed)).__typename).toBe('ViewerChanged');
    await ada.act('updateProfile', { name: 'Four' });
    expect(await nextOf(resumed)).toMatchObject({ __typename: 'ViewerChanged', viewer: { name: 'Four' } });
    await resumed.leave();
    const { events: again } = await follow(ada, first.cursor);
    expect((await nextOf(again)).cursor).not.toBe(first.cursor);
    await again.leave();
  });

  it.each([
    ['no cursor', 'none', 'BAD_USER_INPUT'],
    ['a cursor of a connection', btoa('GPC:I:1'), 'BAD_USER_INPUT'],
    ['a cursor from the future', Buffer.from('event:999').toString('base64url'), 'BAD_USER_INPUT'],
    ['a cursor whose events were deleted', Buffer.from('event:0').toString('base64url'), 'RESUME_TOO_OLD'],
  ])('is refused after %s', async (_problem, after, code) => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    await ada.act('updateProfile', { name: 'Ada' });
    await api.database.auditEvent.deleteMany({ where: { type: 'SIGNED_UP' } });
    const events = await subscribe(ada, { query, variables: { after } });
    expect((await events.next()).errors[0].extensions.code).toBe(code);
    expect(await events.next()).toBeNull();
    expect(api.reported).toEqual([]);
  });

  it('of a session that another program ended is found by the regular check', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const { events } = await follow(ada);
    await api.database.session.updateMany({ data: { hashedSessionToken: null, expiresAt: api.clock.now } });
    await api.streams.check();
    expect(await nextOf(events)).toMatchObject({ __typename: 'SessionEnded', reason: 'REVOKED' });
    expect(await events.next()).toBeNull();
  });

  it.each([
    ['IDLE_TIMEOUT', { idleTimeoutMs: 60_000 }],
    ['LIFETIME', { lifetimeMs: 60_000 }],
  ])('ends when its session expires, by the reason %s, and not if the session was used', async (reason, sessions) => {
    const api = await startApi({ sessions });
    const ada = await api.signUp(email, 'BEARER');
    const { events } = await follow(ada);
    api.clock.now = new Date(api.clock.now.getTime() + 50_000);
    await ada.ask('{ viewer { id } }');
    await api.streams.check();
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    await api.streams.check();
    expect(await nextOf(events)).toMatchObject({ __typename: 'SessionEnded', reason });
    expect(await events.next()).toBeNull();
  });

  it('ends by a timer at the expiry of its session', async () => {
    const api = await startApi({ sessions: { idleTimeoutMs: 1_000 } });
    Object.defineProperty(api.clock, 'now', { get: () => new Date() });
    const ada = await api.signUp(email, 'BEARER');
    const { events } = await follow(ada);
    expect(await nextOf(events)).toMatchObject({ __typename: 'SessionEnded', reason: 'IDLE_TIMEOUT' });
    expect(await events.next()).toBeNull();
  });

  it('ends with others over the time of a drain, and not at once', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const all = [await follow(ada), await follow(ada), await follow(ada), await follow(ada)];
    const ends = all.map(async ({ events }) => {
      expect(await events.next()).toBeUndefined();
      return performance.now();
    });
    await api.streams.drain(200);
    const times = await Promise.all(ends);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(100);
  });

  it.each([
    ['SUSPENDED', 'suspendUser'],
    ['REVOKED_BY_ADMIN', 'revokeUserSessions'],
    ['ACCOUNT_DELETED', 'deleteUser'],
  ])('ends by the reason %s', async (reason, mutation) => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const root = await api.signUpAdmin('root@example.com');
    const { id } = (await ada.ask('{ viewer { id } }')).viewer;
    const { events } = await follow(ada);
    await root.act(mutation, { id });
    expect(await nextOf(events)).toMatchObject({ __typename: 'SessionEnded', reason });
    expect(await events.next()).toBeNull();
  });

  it('is closed without a completion when its token was replaced, and the client resumes with the new one', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const { events } = await follow(ada);
    await ada.act('reauthenticate', { password });
    const changed = await nextOf(events);
    expect(changed.__typename).toBe('SessionChanged');
    // A client that has not received the new token yet may go on for ten seconds.
    api.clock.now = new Date(api.clock.now.getTime() + 11_000);
    await ada.act('updateProfile', { name: 'Ada' });
    expect(await events.next()).toBeUndefined();
    const { events: resumed } = await follow(ada, changed.cursor);
    expect((await nextOf(resumed)).__typename).toBe('ViewerChanged');
    await resumed.leave();
  });

  it('executes each message with the session as it is then, and never in the context of the first', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const { events } = await follow(ada);
    for (const name of ['One', 'Two']) {
      await ada.act('updateProfile', { name });
      expect((await nextOf(events)).viewer.name).toBe(name);
    }
    await events.leave();
  });

  it('does not renew its session', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const { events } = await follow(ada);
    const before = await api.database.session.findFirstOrThrow();
    api.clock.now = new Date(before.expiresAt.getTime() - 1_000);
    await api.database.auditEvent.create({
      data: { type: 'PROFILE_CHANGED', at: api.clock.now, userId: before.userId },
    });
    expect((await nextOf(events)).__typename).toBe('ViewerChanged');
    expect(await api.database.session.findFirstOrThrow()).toEqual(before);
    await events.leave();
  });

  it('tells all of many events at once, also to a client that pauses, until its session ends', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const own = await currentOf(ada);
    const [first, second, paused] = [await follow(ada), await follow(ada), await follow(ada)];
    await recordLogins(api, 80);
    for (const { events } of [first, second]) {
      const messages = [];
      for (let count = 0; count < 80; count += 1) messages.push(await nextOf(events));
      expect(messages).toEqual(messages.map(() => expect.objectContaining({ __typename: 'SessionStarted' })));
      expect(new Set(messages.map(({ cursor }) => cursor)).size).toBe(80);
    }
    await ada.ask('mutation { logout { revokedSessionId } }');
    const { messages, isComplete } = await paused.events.rest();
    expect(messages.length).toBeLessThan(10);
    expect(messages.at(-1)).toMatchObject({ data: { sessionEvents: { sessionId: own.id, reason: 'LOGOUT' } } });
    expect(isComplete).toBe(true);
  });

  it('ends for a client that takes no message for 30 s while more than 64 wait', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const { events } = await follow(ada);
    const ends: unknown[] = [];
    onTestFinished(endedStreams.subscribe((end) => ends.push(end)));
    await recordLogins(api, 10);
    const end = () => {
      api.clock.now = new Date(api.clock.now.getTime() + 29_000);
      return recordLogins(api, 40).then(() => ends);
    };
    await expect.poll(end).toEqual([{ transport: 'sse', reason: 'SLOW_CONSUMER' }]);
    const { messages, isComplete } = await events.rest();
    expect(messages.length).toBeLessThan(10);
    expect(messages.at(-1).errors[0].extensions.code).toBe('SLOW_CONSUMER');
    expect(isComplete).toBe(true);
  });

  it('tells many changes of the same thing that wait as one', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const { userId, handle } = await api.database.session.findFirstOrThrow();
    const { events } = await follow(ada);
    const at = api.clock.now;
    const changes = Array.from({ length: 80 }, () => [
      { type: 'PRIVATE_DATA_CHANGED', at, userId, sessionHandle: handle },
      { type: 'PROFILE_CHANGED', at, userId },
    ]);
    await api.database.auditEvent.createMany({ data: changes.flat() });
    const messages = [await events.next(), await events.next()];
    await ada.ask('mutation { logout { revokedSessionId } }');
    messages.push(await events.next());
    const types = messages.map(({ data }) => data.sessionEvents.__typename);
    expect(types).toEqual(['SessionChanged', 'ViewerChanged', 'SessionEnded']);
  });
});
