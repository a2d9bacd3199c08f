import { describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { subscribe } from '../support/event-source.ts';

const query = `subscription ($after: String, $types: [AuditEventType!]) {
  adminEvents(after: $after, types: $types) { cursor events { detail } }
}`;

type Told = { cursor: string; events: { detail: string }[] };

/** Adds events in one transaction, with their numbers as details. */
async function record(api: TestApi, from: number, count: number): Promise<void> {
  const at = api.clock.now;
  const data = Array.from({ length: count }, (_, n) => ({ type: 'LOGIN_FAILED', at, detail: String(from + n) }));
  await api.database.auditEvent.createMany({ data });
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n));
const detailsOf = (messages: Told[]) => messages.flatMap(({ events }) => events.map(({ detail }) => detail));

describe('adminEvents', () => {
  it('resumes after each message of one transaction with the next event', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const events = await subscribe(root, { query });
    const next = async (): Promise<Told> => (await events.next()).data.adminEvents;
    await next();
    await record(api, 0, 250);
    const told = [await next(), await next(), await next()];
    expect(detailsOf(told)).toEqual(numbers(250));
    await events.leave();
    for (const [index, { cursor: after }] of told.entries()) {
      await record(api, 250 + index, 1);
      const resumed = await subscribe(root, { query, variables: { after } });
      await resumed.next();
      const first: Told = (await resumed.next()).data.adminEvents;
      expect(first.events[0]?.detail).toBe(['100', '200', '250'][index]);
      await resumed.leave();
    }
  });

  it('tells up to a hundred missed events in one message, and resumes after each', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const follow = async (after: string | null) => {
      const events = await subscribe(root, { query, variables: { after, types: ['LOGIN_FAILED'] } });
      return { events, next: async (): Promise<Told> => (await events.next())?.data.adminEvents };
    };
    const first = await follow(null);
    const { cursor } = await first.next();
    await first.events.leave();
    await record(api, 0, 250);
    const { events, next } = await follow(cursor);
    expect(await next()).toEqual({ cursor, events: [] });
    const missed = [await next(), await next(), await next()];
    expect(missed.map((message) => message.events.length)).toEqual([100, 100, 50]);
    expect(detailsOf(missed)).toEqual(numbers(250));
    await record(api, 250, 1);
    expect(detailsOf([await next()])).toEqual(['250']);
    await events.leave();
    const again = await follow(missed[0]?.cursor ?? null);
    await again.next();
    const rest = [await again.next(), await again.next()];
    expect(detailsOf(rest)).toEqual(numbers(251).slice(100));
    await again.events.leave();
  });

  it('tells all events of a large transaction, also to a client that pauses', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const paused = await subscribe(root, { query });
    const prompt = await subscribe(root, { query });
    for (const events of [paused, prompt]) expect((await events.next()).data.adminEvents.events).toEqual([]);
    // More than may wait: 64 messages of 100 events.
    const count = 7_000;
    await record(api, 0, count);
    for (const events of [prompt, paused]) {
      const messages: Told[] = [];
      while (detailsOf(messages.slice(-1)).at(-1) !== String(count - 1)) {
        const { data, errors } = await events.next();
        expect(errors).toBeUndefined();
        messages.push(data.adminEvents);
      }
      expect(detailsOf(messages)).toEqual(numbers(count));
    }
    await record(api, count, 1);
    expect(detailsOf([(await paused.next()).data.adminEvents])).toEqual([String(count)]);
    expect(api.reported).toEqual([]);
  });

  it('and `auditEvents` refuse an ID that is not of a user, and accept that of a deleted one', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { viewer, currentSession } = await ada.ask('{ viewer { id } currentSession { id } }');
    const live = 'subscription ($userId: ID) { adminEvents(userId: $userId) { events { type } } }';
    const list = 'query ($userId: ID) { auditEvents(userId: $userId) { totalCount nodes { userId } } }';
    const refusal = [{ message: 'An ID is not of a user.', extensions: { code: 'BAD_USER_INPUT' } }];
    for (const userId of ['none', '', '7', currentSession.id, `${viewer.id}x`]) {
      const events = await subscribe(root, { query: live, variables: { userId } });
      expect((await events.next()).errors, userId).toMatchObject(refusal);
      expect(await events.next()).toBeNull();
      expect((await root.send(list, { userId })).errors, userId).toMatchObject(refusal);
    }
    await api.database.user.deleteMany({ where: { email: 'ada@example.com' } });
    const events = await subscribe(root, { query: live, variables: { userId: viewer.id } });
    expect((await events.next()).data.adminEvents.events).toEqual([]);
    await events.leave();
    const { auditEvents } = await root.ask(list, { userId: viewer.id });
    expect(auditEvents).toEqual({ totalCount: 1, nodes: [{ userId: viewer.id }] });
    expect(api.reported).toEqual([]);
  });

  it('ends with the session of its reader, also if the filter leaves out its end', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const events = await subscribe(root, { query, variables: { types: ['LOGIN_FAILED'] } });
    await events.next();
    await root.ask('mutation { logout { revokedSessionId } }');
    expect(await events.rest()).toEqual({ messages: [], isComplete: true });
  });
});
