/** @module-tag slow/webhooks */
import { describe, expect, it } from 'vitest';
import { recordEvents } from '../../src/events/record.ts';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { commandScope } from '../../src/scope.ts';
import { deliverWebhooks, startWebhooks } from '../../src/webhooks/delivery/worker.ts';
import {
  addEvents,
  addWebhook,
  numbersOf,
  onlyAdded,
  pass,
  startReceiver,
  startWebhookApi,
  statesOf,
  verify,
  webhookWorker,
} from '../support/webhooks.ts';

const minute = 60_000;

/** Returns users for events: these many, in turn. */
const usersOf = (events: number, users: number) => Array.from({ length: events }, (_, n) => BigInt(1 + (n % users)));

/** Requires that the events of each user arrived in their order. */
function requireOrder(numbers: number[], users: bigint[]): void {
  for (const user of new Set(users)) {
    const own = numbers.filter((number) => users[number] === user);
    expect(own).toEqual([...own].sort((a, b) => a - b));
  }
}

const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);

describe('a webhook', () => {
  it('receives each event of its types once, signed, with the ids of the API and no address of a person', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    const { secret } = await addWebhook(api, { url: receiver.url, eventTypes: ['SIGNED_UP', 'LOGGED_OUT'] });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const me = await ada.ask('{ currentSession { handle user { id } } viewer { auditEvents { nodes { id } } } }');
    await ada.ask('mutation { logout { revokedSessionId } }');
    const worker = webhookWorker(api);
    await worker.run();
    await worker.run();
    const messages = receiver.received.map((request) => verify(secret, request, api.clock.now));
    const { handle: sessionHandle, user } = me.currentSession;
    const data = { userId: user.id, actorId: user.id, sessionHandle, detail: null, eventId: expect.any(String) };
    const timestamp = expect.any(String);
    expect(messages).toEqual([
      { type: 'user.signed_up', timestamp, data: { ...data, eventId: me.viewer.auditEvents.nodes[0].id } },
      { type: 'session.logged_out', timestamp, data },
    ]);
    expect(receiver.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': expect.stringMatching(/^msg_[\w-]{27}$/),
      'user-agent': expect.stringMatching(/^graphql-sessions\//),
    });
    expect(receiver.received.map(({ body }) => body).join()).not.toContain('@');
    expect(await statesOf(api)).toEqual({ DELIVERED: 2 });
  });

  it('of all types receives the events from its creation on', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addEvents(api, [1n]);
    await addWebhook(api, { url: receiver.url });
    await addEvents(api, [1n], 1);
    await webhookWorker(api).run();
    expect(receiver.received.map(({ message }) => message.type)).toEqual(['webhook.created', 'user.role_changed']);
  });

  it('gets each event of an hour in which it was down, in the order of each user', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const worker = webhookWorker(api);
    await receiver.stop();
    const users = usersOf(30, 7);
    for (let n = 0; n < users.length; n += 1) {
      await addEvents(api, users.slice(n, n + 1), n);
      await worker.run();
      pass(api, 2 * minute);
    }
    expect(await statesOf(api)).toEqual({ WAITING: users.length });
    // While it is down, it gets single attempts: not one for each event.
    const attempts = await api.database.webhookDelivery.aggregate({ _sum: { attempts: true } });
    expect(attempts._sum.attempts).toBeLessThan(users.length);
    const again = await startReceiver(Number(new URL(receiver.url).port));
    pass(api, 6 * minute);
    await worker.run();
    expect(sorted(numbersOf(again.accepted))).toEqual(users.map((_, n) => n));
    requireOrder(numbersOf(again.accepted), users);
    const [down, up, ...others] = api.reported.map((notice) => (notice as Error).message);
    expect(down).toMatch(
      /^Webhook 1 \(127\.0\.0\.1:\d+\) does not accept events: ECONNREFUSED\. The server tries again\.$/,
    );
    expect(up).toMatch(/answers again/);
    expect(others).toEqual([]);
  });

  it('gets what waits for it as soon as it accepts another message, after a short outage', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const worker = webhookWorker(api);
    await receiver.stop();
    await addEvents(api, [1n, 1n]);
    await worker.run();
    pass(api, 6_000);
    await worker.run();
    const again = await startReceiver(Number(new URL(receiver.url).port));
    // The next attempt for the first user would be minutes away.
    await worker.run();
    expect(again.accepted).toEqual([]);
    await addEvents(api, [2n], 2);
    await worker.run();
    await worker.run();
    expect(numbersOf(again.accepted)).toEqual([2, 0, 1]);
  });

  it('that is slow delays no other, and gets few requests at once', async () => {
    const api = await startWebhookApi();
    const [slow, fast] = [await startReceiver(), await startReceiver()];
    for (const { url } of [slow, fast]) await addWebhook(api, { url, ...onlyAdded });
    const go = Promise.withResolvers<number>();
    slow.answer = () => go.promise;
    const users = usersOf(30, 10);
    await addEvents(api, users);
    const running = webhookWorker(api).run();
    await expect.poll(() => fast.accepted.length).toBe(30);
    await expect.poll(() => slow.open.now).toBe(4);
    go.resolve(204);
    await running;
    expect(sorted(numbersOf(slow.accepted))).toEqual(users.map((_, n) => n));
    for (const { accepted, open } of [slow, fast]) {
      requireOrder(numbersOf(accepted), users);
      expect(open.max).toBeLessThanOrEqual(4);
    }
  });

  it('has a request of its own beside the sixteen that all share', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    for (let n = 0; n < 10; n += 1) await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const go = Promise.withResolvers<number>();
    receiver.answer = () => go.promise;
    await addEvents(api, usersOf(5, 5));
    const running = webhookWorker(api).run();
    await expect.poll(() => receiver.open.now).toBe(26);
    go.resolve(204);
    await running;
    expect(receiver.accepted.length).toBe(50);
    expect(receiver.open.max).toBe(26);
  });

  it('that fails for one user receives the events of the others, and those of the user in order', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    let isBroken = true;
    receiver.answer = ({ message }) => (isBroken && message.data.detail === '0' ? 500 : 204);
    const users = usersOf(12, 3);
    await addEvents(api, users);
    const worker = webhookWorker(api);
    await worker.run();
    expect(sorted(numbersOf(receiver.accepted))).toEqual([1, 2, 4, 5, 7, 8, 10, 11]);
    await addEvents(api, [1n], 12);
    await worker.run();
    expect(receiver.accepted.length).toBe(8);
    isBroken = false;
    pass(api, 5 * minute);
    await worker.run();
    expect(numbersOf(receiver.accepted).slice(8)).toEqual([0, 3, 6, 9, 12]);
  });

  it('delays the events of no other user for one who causes many', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const worker = webhookWorker(api);
    const run = (maxWaiting: number) => deliverWebhooks({ ...worker, maxWaiting }, async () => true);
    // A flood of one user, more than a queue holds, and then one event of each other.
    const users = [...usersOf(600, 1), 2n, 3n, null];
    receiver.answer = ({ message }) => (message.data.detail === '0' ? 500 : 204);
    await addEvents(api, users.slice(0, 500));
    await addEvents(api, users.slice(500), 500);
    await run(200);
    await run(200);
    expect(sorted(numbersOf(receiver.accepted))).toEqual([600, 601, 602]);
    receiver.answer = () => 204;
    pass(api, 10_000);
    await addEvents(api, [2n, 3n, null], 603);
    const ended = new Set<number>();
    receiver.answer = ({ message }) => {
      ended.add(Number(message.data.detail));
      return 204;
    };
    let isOver = false;
    const others = [603, 604, 605];
    await deliverWebhooks({ ...worker, maxWaiting: 200 }, async () => {
      isOver ||= others.every((number) => ended.has(number));
      return !isOver;
    });
    expect(ended.size).toBeLessThan(20);
  });

  it('receives an event again, with the same id, if the server dies between the answer and its note', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    const { secret } = await addWebhook(api, { url: receiver.url, ...onlyAdded });
    await addEvents(api, [1n, 1n]);
    const dying = webhookWorker(api, (sender) => ({
      ...sender,
      async post(...request) {
        await sender.post(...request);
        throw new Error('killed');
      },
    }));
    await expect(dying.run()).rejects.toThrow('killed');
    const other = webhookWorker(api);
    await other.run();
    expect(numbersOf(receiver.received)).toEqual([0]);
    pass(api, minute);
    await other.run();
    expect(numbersOf(receiver.received)).toEqual([0, 0, 1]);
    const [first, again] = receiver.received;
    expect(again?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(Number(again?.headers['webhook-timestamp'])).toBe(Number(first?.headers['webhook-timestamp']) + 60);
    if (again) verify(secret, again, api.clock.now);
  });

  it('receives each event once from two servers, also without their lease', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const users = usersOf(40, 8);
    await addEvents(api, users);
    await Promise.all([webhookWorker(api).run(), webhookWorker(api).run()]);
    // One of them may have ended while the other one sent the first event of a user.
    await webhookWorker(api).run();
    expect(sorted(numbersOf(receiver.received))).toEqual(users.map((_, n) => n));
    requireOrder(numbersOf(receiver.received), users);
  });

  it('receives events from a server in the background, of which one works at a time', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const { database, config, signingKeys, reported } = api;
    const clock = { now: () => api.clock.now, stop: () => {} };
    const report = (error: unknown) => reported.push(error);
    const lease = { name: 'webhooks', holder: 'another server', expiresAt: new Date(api.clock.now.getTime() + 30_000) };
    await database.lease.create({ data: lease });
    const server = startWebhooks({ database, policies: config, signingKeys, toGlobalId: toNodeId, clock, report });
    await addEvents(api, [1n, null]);
    await expect.poll(() => api.statements.some((sql) => /INSERT INTO .*Lease/.test(sql))).toBe(true);
    expect(receiver.received).toEqual([]);
    await database.lease.deleteMany();
    await expect.poll(() => receiver.accepted.length).toBe(2);
    await server.stop();
    expect(await statesOf(api)).toEqual({ DELIVERED: 2 });
    expect(reported).toEqual([]);
  });

  it('leaves further events in the log while as many deliveries wait as may', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const worker = webhookWorker(api);
    const run = () => deliverWebhooks({ ...worker, maxWaiting: 3 }, async () => true);
    receiver.answer = () => 500;
    for (let n = 0; n < 5; n += 1) {
      await addEvents(api, [1n], n);
      await run();
    }
    expect(await statesOf(api)).toEqual({ WAITING: 3 });
    receiver.answer = () => 204;
    pass(api, 10_000);
    await run();
    expect(numbersOf(receiver.accepted)).toEqual([0, 1, 2, 3, 4]);
  });

  it('whose messages cannot be signed delays no other', async () => {
    const api = await startWebhookApi();
    const [other, receiver] = [await startReceiver(), await startReceiver()];
    await addWebhook(api, { url: other.url, format: 'SET' });
    await addWebhook(api, { url: receiver.url, eventTypes: ['USER_SUSPENDED'] });
    const event = { type: 'USER_SUSPENDED', userId: 1n } as const;
    await recordEvents(api.database, commandScope(api.clock.now), [event, event]);
    await deliverWebhooks({ ...webhookWorker(api), signingKeys: null }, async () => true);
    expect([other.received.length, receiver.accepted.length]).toEqual([0, 2]);
    const where = { lastError: 'NOT_SIGNED', state: 'WAITING' };
    expect(await api.database.webhookDelivery.count({ where })).toBe(1);
    expect(String(api.reported[0])).toContain('no signing keys');
  });

  it('tells the operator of events that were deleted before it could receive them', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    await addEvents(api, [1n, 1n]);
    const worker = webhookWorker(api);
    await api.database.auditEvent.deleteMany({ where: { detail: { not: '1' } } });
    await worker.run();
    expect(numbersOf(receiver.received)).toEqual([1]);
    const message = /^Webhook 1 .* continues with an event of .*AUDIT_RETENTION is shorter/;
    expect(api.reported).toMatchObject([{ severity: 'warning', message: expect.stringMatching(message) }]);
    await addEvents(api, [1n], 2);
    await worker.run();
    expect(api.reported.length).toBe(1);
  });
});
