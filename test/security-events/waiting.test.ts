import { setImmediate as nextTurn } from 'node:timers/promises';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type LogReader, openLogReader } from '../../src/events/log-reader.ts';
import { recordEvent } from '../../src/events/record.ts';
import type { AuditEvent } from '../../src/generated/sqlite/client.ts';
import { createApp } from '../../src/http/front-door.ts';
import { listen } from '../../src/http/server.ts';
import { commandScope } from '../../src/scope.ts';
import { maxWaitMs, maxWaits, WaitingPolls } from '../../src/security-events/waiting-polls.ts';
import type { Data, TestApi } from '../support/api.ts';
import { freePort } from '../support/ports.ts';
import {
  type PollAnswer,
  pollPath,
  startReceiver,
  startSigningApi,
  type TestReceiver,
} from '../support/security-events.ts';

const waits = { returnImmediately: false };

const suspend = (api: TestApi) =>
  recordEvent(api.database, commandScope(api.clock.now), { type: 'USER_SUSPENDED', userId: 1n });

/** Returns whether a poll was answered, and its answer. */
function watch(polling: Promise<PollAnswer>) {
  const watched: { answer: PollAnswer | null } = { answer: null };
  void polling.then((answer) => {
    watched.answer = answer;
  });
  return watched;
}

/** Begins polls that wait, one after another, until each does: it has read its progress twice then. */
async function wait(api: TestApi, receiver: TestReceiver, count = 1) {
  const polls: ReturnType<typeof watch>[] = [];
  const reads = () => api.statements.filter((sql) => /FROM .*EventReceiver/.test(sql)).length;
  for (; polls.length < count; ) {
    api.statements.length = 0;
    polls.push(watch(receiver.poll(waits)));
    await expect.poll(reads, { interval: 5 }).toBe(2);
  }
  return polls;
}

const empty = { sets: {}, moreAvailable: false };

describe('a poll that waits', () => {
  it('is answered over HTTP when the event happens, and a library verifies the token', async () => {
    const publicUrl = new URL(`http://127.0.0.1:${await freePort()}`);
    const api = await startSigningApi({ publicUrl });
    const { stop } = await listen(api.app, { host: publicUrl.hostname, port: Number(publicUrl.port) });
    onTestFinished(stop);
    const receiver = await startReceiver(api);
    const polling = fetch(new URL(pollPath, publicUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: receiver.authorization },
      body: '{}',
    });
    const client = await api.signUp('ada@example.com', 'BEARER');
    const { handle } = (await client.ask('{ currentSession { handle } }')).currentSession;
    await client.ask('mutation { logout { revokedSessionId } }');
    const endedAt = performance.now();
    const { sets } = (await (await polling).json()) as Data;
    expect(performance.now() - endedAt).toBeLessThan(maxWaitMs / 2);
    const [token = ''] = Object.values<string>(sets);
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', publicUrl));
    const { payload } = await jwtVerify(token, keys, {
      issuer: publicUrl.origin,
      audience: receiver.clientId,
      typ: 'secevent+jwt',
    });
    expect(payload.sub_id).toMatchObject({ session: { format: 'opaque', id: handle } });
  });

  it('reads nothing for events that are no security events', async () => {
    let deliver: (...types: string[]) => void = () => {};
    const polls = new WaitingPolls({
      follow: async (onEvents) => {
        deliver = (...types) =>
          onEvents(
            types.map((type) => ({ type, userId: 1n }) as AuditEvent),
            0n,
          );
        return { cursor: 0n, stop: () => {} };
      },
    });
    onTestFinished(() => polls.drain());
    const one = await polls.begin('client');
    let hasNews = false;
    void one?.next().then((news) => {
      hasNews = news;
    });
    deliver('LOGGED_IN', 'PROFILE_CHANGED');
    await nextTurn();
    expect(hasNews).toBe(false);
    deliver('LOGGED_IN', 'LOGGED_OUT');
    await expect.poll(() => hasNews).toBe(true);
  });

  it('is answered without tokens after twenty seconds', async () => {
    const api = await startSigningApi();
    const polls = new WaitingPolls(openLogReader(api.database, () => {}));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const one = await polls.begin('client');
    let isOver = false;
    const waiting = one?.next().then((hasNews) => {
      isOver = !hasNews;
    });
    await vi.advanceTimersByTimeAsync(maxWaitMs - 1);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
    expect(isOver).toBe(true);
  });

  it('gives way to newer ones of its client, and not to those of others', async () => {
    const api = await startSigningApi();
    const [receiver, other] = [await startReceiver(api), await startReceiver(api, 'other')];
    const [ofOther] = await wait(api, other);
    const polls = await wait(api, receiver, 4);
    const [newest] = await wait(api, receiver);
    await expect.poll(() => polls.filter(({ answer }) => answer !== null)).toHaveLength(1);
    expect(polls.find(({ answer }) => answer)?.answer?.body).toEqual(empty);
    expect([ofOther?.answer, newest?.answer]).toEqual([null, null]);
    api.app.drain();
    await expect.poll(() => newest?.answer?.body).toEqual(empty);
  });

  it('ends when the server is about to stop, and none waits from then on', async () => {
    const api = await startSigningApi();
    const receiver = await startReceiver(api);
    const polls = await wait(api, receiver, 3);
    api.app.drain();
    await expect.poll(() => polls.map(({ answer }) => answer?.body)).toEqual([empty, empty, empty]);
    const late = await receiver.poll(waits);
    expect([late.status, late.headers.get('retry-after'), late.body.err]).toEqual([
      503,
      '5',
      'temporarily_unavailable',
    ]);
    // Nothing reads the log any more.
    api.statements.length = 0;
    expect((await receiver.poll()).status).toBe(200);
  });

  it('is refused if as many wait as a server allows', async () => {
    const api = await startSigningApi();
    const polls = new WaitingPolls(openLogReader(api.database, () => {}));
    onTestFinished(() => polls.drain());
    const all = await Promise.all(Array.from({ length: maxWaits }, (_, n) => polls.begin(`client ${n}`)));
    expect(all).not.toContain(null);
    expect(await polls.begin('another client')).toBeNull();
    all[0]?.end();
    expect(await polls.begin('another client')).not.toBeNull();
  });

  it('ends when its client disconnects, and nobody follows the log any more', async () => {
    const publicUrl = new URL(`http://127.0.0.1:${await freePort()}`);
    const api = await startSigningApi({ publicUrl });
    const reader = openLogReader(api.database, () => {});
    let following = 0;
    const follow: LogReader['follow'] = async (onEvents) => {
      const { cursor, stop } = await reader.follow(onEvents);
      following += 1;
      const end = () => {
        following -= 1;
        stop();
      };
      return { cursor, stop: end };
    };
    const { database, config, signingKeys, clock } = api;
    const logReader = { ...reader, follow };
    api.app = createApp({ database, config, signingKeys, logReader, now: () => clock.now, report: () => {} });
    const { stop } = await listen(api.app, { host: publicUrl.hostname, port: Number(publicUrl.port) });
    onTestFinished(stop);
    const receiver = await startReceiver(api);
    const client = new AbortController();
    const polls = [1, 2].map(() =>
      fetch(new URL(pollPath, publicUrl), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: receiver.authorization },
        body: '{}',
        signal: client.signal,
      }).catch(() => 'aborted'),
    );
    await expect.poll(() => following).toBe(1);
    client.abort();
    expect(await Promise.all(polls)).toEqual(['aborted', 'aborted']);
    await expect.poll(() => following, { timeout: maxWaitMs / 2 }).toBe(0);
    const [again] = await wait(api, receiver);
    await suspend(api);
    await expect.poll(() => Object.keys(again?.answer?.body.sets ?? {})).toHaveLength(1);
  });

  it('is answered without tokens if the database fails meanwhile, and the next poll tells it', async () => {
    const api = await startSigningApi();
    const receiver = await startReceiver(api);
    const [poll] = await wait(api, receiver);
    const { findUnique } = api.database.eventReceiver;
    const broken = Object.assign(new Error('Connection terminated'), { code: 'P1001' });
    api.database.eventReceiver.findUnique = (() => Promise.reject(broken)) as never;
    await suspend(api);
    await expect.poll(() => poll?.answer?.body).toEqual(empty);
    expect((await receiver.poll()).status).toBe(503);
    api.database.eventReceiver.findUnique = findUnique;
    expect(await receiver.drain()).toHaveLength(1);
  });
});
