import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { type NewAuditEvent, recordEvents } from '../../src/events/record.ts';
import { createApp } from '../../src/http/front-door.ts';
import { acceptClock } from '../../src/maintenance/clock-check.ts';
import { maintain } from '../../src/maintenance/maintenance.ts';
import { commandScope } from '../../src/scope.ts';
import { saveProgress } from '../../src/security-events/receiver.ts';
import { rotateSigningKeys } from '../../src/signing-keys/rotate.ts';
import { publicationMs, signingMs } from '../../src/signing-keys/rotation.ts';
import { type Data, password, type TestApi } from '../support/api.ts';
import { createReceiver, eventOf, startReceiver, startSigningApi, verifySet } from '../support/security-events.ts';

/** Records events as the acts of users do. */
function record(api: TestApi, ...events: NewAuditEvent[]): Promise<void> {
  return recordEvents(api.database, commandScope(api.clock.now), events);
}

const suspended = (userId: number): NewAuditEvent => ({ type: 'USER_SUSPENDED', userId: BigInt(userId) });
const suspendedUsers = (count: number) => Array.from({ length: count }, (_, n) => suspended(n + 1));
const failed: NewAuditEvent = { type: 'LOGIN_FAILED', userId: 1n };
const idsIn = ({ body }: { body: Data }) => Object.keys(body.sets);

/** A server with events of these users that a receiver has not acknowledged. */
async function setUp(count = 3) {
  const api = await startSigningApi();
  const receiver = await startReceiver(api);
  await record(api, ...suspendedUsers(count));
  return { api, receiver };
}

const newest = (api: TestApi) => api.database.auditEvent.findFirstOrThrow({ orderBy: { id: 'desc' } });
const rowOf = (api: TestApi) => api.database.eventReceiver.findFirstOrThrow();

describe('a poll', () => {
  it('begins the stream: earlier events are not sent', async () => {
    const api = await startSigningApi();
    await record(api, suspended(1));
    const receiver = await createReceiver(api);
    const answers = await Promise.all(Array.from({ length: 5 }, () => receiver.poll()));
    for (const { status, body } of answers) {
      expect([status, body]).toEqual([200, { sets: {}, moreAvailable: false }]);
    }
    await record(api, suspended(2));
    expect(await receiver.drain()).toHaveLength(1);
  });

  it('gets each end of a session once, in the order of the log, also by several workers at once', async () => {
    const api = await startSigningApi();
    const receiver = await startReceiver(api);
    const names = ['ada', 'bob', 'eve', 'joe'];
    const received = new Map<string, Data>();
    let isDone = false;
    async function act(name: string): Promise<void> {
      const client = await api.signUp(`${name}@example.com`, 'BEARER');
      for (let n = 0; n < 3; n += 1) await api.client().login(`${name}@example.com`);
      await client.act('revokeOthers');
      await client.ask('mutation { logout { revokedSessionId } }');
    }
    async function work(): Promise<void> {
      for (let ack: string[] = [], wasDone = false; ; wasDone = isDone) {
        const payloads = await receiver.receive({ ack, maxEvents: 3 });
        for (const payload of payloads) received.set(String(payload.jti), payload);
        ack = payloads.map(({ jti }) => String(jti));
        if (wasDone && ack.length === 0) return;
      }
    }
    const acting = Promise.all(names.map(act)).finally(() => {
      isDone = true;
    });
    await Promise.all([acting, work(), work(), work()]);
    const ends = await api.database.auditEvent.findMany({
      where: { type: { in: ['LOGGED_OUT', 'SESSION_REVOKED'] } },
      orderBy: { id: 'asc' },
    });
    expect(ends).toHaveLength(names.length * 4);
    const sessions = [...received.values()].map(({ sub_id }) => sub_id.session.id);
    expect(sessions).toHaveLength(ends.length);
    const orderOf = (userId: bigint | null) => ends.filter((end) => end.userId === userId).map((e) => e.sessionHandle);
    for (const { userId } of ends) {
      const expected = orderOf(userId);
      expect(sessions.filter((id) => expected.includes(id))).toEqual(expected);
    }
  });

  it('gets the same tokens until it acknowledges them, in any order', async () => {
    const { api, receiver } = await setUp();
    const first = await receiver.poll();
    const [one = '', two = '', three = ''] = idsIn(first);
    expect(idsIn(await receiver.poll())).toEqual([one, two, three]);
    expect(idsIn(await receiver.poll({ ack: [two] }))).toEqual([one, three]);
    expect((await rowOf(api)).acknowledgedAbove).toBe(two.split('.')[0]);
    expect(idsIn(await receiver.poll({ ack: [one] }))).toEqual([three]);
    expect((await rowOf(api)).acknowledgedAbove).toBeNull();
    await record(api, suspended(4));
    expect(idsIn(await receiver.poll({ ack: [three, three, one] }))).toHaveLength(1);
  });

  it('is not affected by what other clients acknowledge, nor by ids that nobody was sent', async () => {
    const { api, receiver } = await setUp(2);
    const other = await startReceiver(api, 'other');
    const ids = idsIn(await receiver.poll());
    const [first = ''] = ids;
    const guesses = ['', 'x', '9'.repeat(19), first.replace(/\.\w+\./, '.0.'), first.slice(0, -1), `${first}0`];
    const huge = `${'9'.repeat(19)}.a.${receiver.clientId}`;
    const lost = first.replace(/\.\w+\./, '.lost.');
    await record(api, suspended(3));
    ids.push(...idsIn(await receiver.poll()).slice(2));
    // Neither for the receiver, nor for the other client itself.
    expect(idsIn(await other.poll({ ack: ids }))).toHaveLength(1);
    expect(idsIn(await receiver.poll({ ack: [...guesses, huge, lost, '__proto__'] }))).toEqual(ids);
    expect(idsIn(await receiver.poll({ ack: ids }))).toEqual([]);
  });

  it('reports invalid tokens, which the operator learns and which are not sent again', async () => {
    const { api, receiver } = await setUp(2);
    const [one = '', two = ''] = idsIn(await receiver.poll());
    const setErrs = { [one]: { err: 'invalid_key', description: 'unknown kid' }, [two]: { err: 'a\nb' } };
    expect(idsIn(await receiver.poll({ setErrs }))).toEqual([]);
    expect(api.reported.map(String)).toEqual([
      'Error: The service client receiver rejected security events: 2, the first with "invalid_key". ' +
        'They are not sent again.',
    ]);
  });

  it('gets as many as it asks for, at most a hundred, and learns whether there are more', async () => {
    const { api, receiver } = await setUp(101);
    const none = await receiver.poll({ maxEvents: 0 });
    expect(none.body).toEqual({ sets: {}, moreAvailable: true });
    const two = await receiver.poll({ maxEvents: 2 });
    expect([idsIn(two).length, two.body.moreAvailable]).toEqual([2, true]);
    const many = await receiver.poll({ maxEvents: 5_000 });
    expect([idsIn(many).length, many.body.moreAvailable]).toEqual([100, true]);
    const last = await receiver.poll({ ack: idsIn(many) });
    expect([idsIn(last).length, last.body.moreAvailable]).toEqual([1, false]);
    // Without events, maxEvents 0 does not wait either.
    expect((await receiver.poll({ ack: idsIn(last), maxEvents: 0, returnImmediately: false })).body).toEqual({
      sets: {},
      moreAvailable: false,
    });
    expect((await rowOf(api)).acknowledgedId).toBe((await newest(api)).id);
  });

  it('goes on where the client was, after it and the server were killed', async () => {
    const { api, receiver } = await setUp(3);
    const ids = idsIn(await receiver.poll());
    await receiver.poll({ ack: ids.slice(0, 1) });
    const { database, config, signingKeys } = api;
    api.app = createApp({ database, config, signingKeys, now: () => api.clock.now, report: () => {} });
    expect(idsIn(await receiver.poll())).toEqual(ids.slice(1));
  });

  it('moves no progress back that another server has stored meanwhile', async () => {
    const { api, receiver } = await setUp(3);
    const before = await rowOf(api);
    await receiver.drain();
    const after = await rowOf(api);
    const done = { id: before.acknowledgedId, at: before.acknowledgedAt };
    await saveProgress(api.database, receiver.clientId, { done, acknowledged: new Set([after.acknowledgedId]) });
    expect(after.acknowledgedId).toBeGreaterThan(before.acknowledgedId);
    expect(await rowOf(api)).toEqual(after);
  });

  it('reads past other events, and stores that it did', async () => {
    const { api, receiver } = await setUp(0);
    for (let n = 0; n < 3; n += 1) await record(api, ...Array.from({ length: 400 }, () => failed));
    await record(api, suspended(1));
    const ids = idsIn(await receiver.poll());
    expect(ids).toHaveLength(1);
    expect((await rowOf(api)).acknowledgedId).toBe((await newest(api)).id - 1n);
  });

  it('is bounded for a client that leaves out a token: it gets no others after a thousand', async () => {
    const { api, receiver } = await setUp(1_004);
    const [first = ''] = idsIn(await receiver.poll({ maxEvents: 1 }));
    const numberOf = (id = '') => Number(id.split('.')[0]) - Number(first.split('.')[0]);
    let last = first;
    for (let ack: string[] = []; ; ) {
      ack = idsIn(await receiver.poll({ ack })).filter((id) => id !== first);
      if (ack.length === 0) break;
      last = ack.at(-1) ?? '';
    }
    expect(numberOf(last)).toBe(1_000);
    expect((await rowOf(api)).acknowledgedAbove?.split(' ')).toHaveLength(1_000);
    const after = await receiver.poll({ ack: [first] });
    expect(idsIn(after).map(numberOf)).toEqual([1_001, 1_002, 1_003]);
  });

  it('verifies tokens across a rotation of the signing keys', async () => {
    const { api, receiver } = await setUp(1);
    const { database, clock } = api;
    const rotate = () =>
      rotateSigningKeys(database, api.config.encryptionKeys as never, { now: () => clock.now, stop: () => {} });
    const kids = new Set<string>();
    const jtis = new Set<string>();
    for (const ms of [0, signingMs - publicationMs, publicationMs + 1]) {
      clock.now = new Date(clock.now.getTime() + ms);
      await rotate();
      const { sets } = (await receiver.poll()).body;
      for (const [jti, token] of Object.entries<string>(sets)) {
        const { payload } = await verifySet(api, token, receiver.clientId);
        expect(payload).toMatchObject({ jti, iat: Math.floor(clock.now.getTime() / 1_000) });
        jtis.add(jti);
        kids.add(String(decodeProtectedHeader(token).kid));
      }
    }
    expect([jtis.size, kids.size]).toEqual([1, 2]);
  });

  it('ends with the client: a deleted one leaves no progress behind', async () => {
    const { api, receiver } = await setUp(1);
    await api.database.serviceClient.deleteMany();
    expect((await receiver.poll()).status).toBe(401);
    expect(await api.database.eventReceiver.count()).toBe(0);
  });
});

describe('a receiver that was away for longer than the retention', () => {
  const day = 86_400_000;

  /** Lets a time pass, and deletes what is due. */
  async function pass(api: TestApi, ms: number): Promise<void> {
    api.clock.now = new Date(api.clock.now.getTime() + ms);
    await acceptClock(api.database, api.clock.now);
    await maintain(api.database, { ...api.config, encryptionKeys: null }, { now: () => api.clock.now, stop: () => {} });
  }

  it('is told so by a token, again until it acknowledges that, and gets the events that are left', async () => {
    const { api, receiver } = await setUp(2);
    await pass(api, 366 * day);
    await record(api, suspended(3));
    const answer = await receiver.receive();
    const [loss = {}, next = {}] = answer;
    expect(answer).toHaveLength(2);
    expect(loss).toMatchObject({ sub_id: { format: 'opaque', id: receiver.clientId } });
    expect(eventOf(loss)).toEqual({
      type: 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated',
      claims: { status: 'enabled', reason: expect.stringMatching(/^Events were deleted/) },
    });
    expect(await receiver.receive({ maxEvents: 1 })).toEqual([loss]);
    expect((await receiver.poll({ maxEvents: 0 })).body).toEqual({ sets: {}, moreAvailable: true });
    expect(await receiver.receive({ ack: [next.jti] })).toEqual([loss]);
    expect(await receiver.receive({ ack: [loss.jti] })).toEqual([]);
    await record(api, suspended(4));
    expect(await receiver.drain()).toHaveLength(1);
  });

  it('is told so also while the log is empty', async () => {
    const { api, receiver } = await setUp(2);
    await pass(api, 366 * day);
    expect(await api.database.auditEvent.count()).toBe(0);
    const [loss = {}] = await receiver.receive();
    expect(eventOf(loss).type).toMatch(/stream-updated$/);
    expect(await receiver.receive({ ack: [loss.jti] })).toEqual([]);
    expect(await receiver.receive()).toEqual([]);
  });

  it('is told nothing if it has acknowledged all, or polled since', async () => {
    const { api, receiver } = await setUp(2);
    await receiver.drain();
    await pass(api, 300 * day);
    expect(await receiver.receive()).toEqual([]);
    await pass(api, 300 * day);
    expect(await receiver.receive()).toEqual([]);
    await api.signUp('ada@example.com', 'BEARER').then((ada) => ada.act('deleteAccount', { password }));
    const types = (await receiver.drain()).map((payload) => eventOf(payload).type.split('/').at(-1));
    expect(types).toEqual(['session-revoked', 'account-purged']);
  });
});
