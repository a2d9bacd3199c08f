/** @module-tag slow/webhooks */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nextAttemptAt, retryPausesMs } from '../../src/webhooks/delivery/retries.ts';
import { openSender, parseRetryAfter } from '../../src/webhooks/http/send.ts';
import type { TestApi } from '../support/api.ts';
import { deliverMail } from '../support/mail.ts';
import {
  addEvents,
  addWebhook,
  numbersOf,
  onlyAdded,
  onThisMachine,
  pass,
  type Receiver,
  startReceiver,
  startWebhookApi,
  statesOf,
  webhookWorker,
} from '../support/webhooks.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Starts a server with a webhook of the events of the test. */
async function startWithWebhook(): Promise<{ api: TestApi; receiver: Receiver; run: () => Promise<void> }> {
  const api = await startWebhookApi();
  const receiver = await startReceiver();
  await addWebhook(api, { url: receiver.url, ...onlyAdded });
  return { api, receiver, run: webhookWorker(api).run };
}

const only = (api: TestApi) => api.database.webhookDelivery.findFirstOrThrow();

const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n';

/** A receiver that does this with each connection, and speaks no HTTP. */
async function startRaw(act: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => act(socket));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('a delivery that fails', () => {
  it('is tried ten times in three days, and is dead then', async () => {
    const { api, receiver, run } = await startWithWebhook();
    receiver.answer = () => 503;
    await addEvents(api, [1n]);
    const began = api.clock.now.getTime();
    const at: number[] = [];
    do {
      await run();
      at.push(api.clock.now.getTime() - began);
      // A receiver that is down gets an attempt in five minutes at most.
      const next = Math.max((await only(api)).sendAfter.getTime(), api.clock.now.getTime() + 5 * minute);
      api.clock.now = new Date(next);
    } while ((await only(api)).state === 'WAITING');
    expect(receiver.received.length).toBe(10);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(at.at(-1)).toBeGreaterThan(2.5 * day);
    expect(at.at(-1)).toBeLessThan(3.1 * day);
    expect(await only(api)).toMatchObject({ state: 'DEAD', attempts: 10, lastStatus: 503, lastError: 'HTTP_503' });
    expect(api.reported.map((notice) => (notice as Error).message).join()).toContain('is dead after 10 attempts');
    await addEvents(api, [1n], 1);
    receiver.answer = () => 204;
    await run();
    expect(numbersOf(receiver.accepted)).toEqual([1]);
  });

  it('has pauses of three days in sum, with jitter, and longer ones if the receiver asks for them', () => {
    const sum = retryPausesMs.reduce((one, other) => one + other);
    expect([sum > 2.9 * day, sum <= 3 * day]).toEqual([true, true]);
    const now = new Date();
    const pauseOf = (attempts: number, retryAfterMs: number | null = null) =>
      (nextAttemptAt({ attempts, queuedAt: now }, retryAfterMs, now)?.getTime() ?? 0) - now.getTime();
    const pauses = new Set(Array.from({ length: 20 }, () => pauseOf(2)));
    expect(pauses.size).toBeGreaterThan(1);
    for (const pause of pauses) expect(Math.abs(pause / (5 * minute) - 0.95)).toBeLessThanOrEqual(0.05);
    expect(pauseOf(1, 2 * minute)).toBe(2 * minute);
    expect(pauseOf(1, 30 * day)).toBe(day);
    expect(pauseOf(4, second)).toBeGreaterThan(hour);
    expect(nextAttemptAt({ attempts: 10, queuedAt: now }, null, now)).toBeNull();
    expect(nextAttemptAt({ attempts: 1, queuedAt: new Date(now.getTime() - 3 * day) }, null, now)).toBeNull();
  });

  it.each([
    ['120', 2 * minute],
    ['0', 0],
    ['Wed, 01 Jan 2025 00:01:00 GMT', minute],
    ['Wed, 01 Jan 2020 00:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    ['99999999999', null],
    [undefined, null],
  ])('understands Retry-After: %s', (value, pause) => {
    expect(parseRetryAfter(value, new Date('2025-01-01T00:00:00Z'))).toBe(pause);
  });

  it('waits as long as Retry-After says', async () => {
    const { api, receiver, run } = await startWithWebhook();
    receiver.answer = (_, response) => {
      response.writeHead(429, { 'retry-after': '600' }).end();
      return undefined;
    };
    await addEvents(api, [1n]);
    await run();
    expect((await only(api)).sendAfter).toEqual(new Date(api.clock.now.getTime() + 10 * minute));
  });

  it('is one that is answered by a redirect, which nobody follows', async () => {
    const { api, receiver, run } = await startWithWebhook();
    const other = await startReceiver();
    receiver.answer = (_, response) => {
      response.writeHead(307, { location: other.url }).end();
      return undefined;
    };
    await addEvents(api, [1n]);
    await run();
    expect(await only(api)).toMatchObject({ state: 'WAITING', lastStatus: 307, lastError: 'HTTP_307' });
    expect(other.received).toEqual([]);
  });

  it.each([
    ['closes the connection', (socket: Socket) => socket.destroy(), /^(ECONNRESET|UND)/],
    ['answers 101', (socket: Socket) => socket.write(upgrade), /^FAILED$/],
    ['answers garbage', (socket: Socket) => socket.end('\u0000\u0001 what is this\r\n\r\n'), /^HPE_/],
    [
      'answers endless headers',
      (socket: Socket) => flood(socket, 'HTTP/1.1 200 OK\r\n', 'x: y\r\n'),
      /^HPE_HEADER_OVERFLOW$/,
    ],
  ])('is one whose receiver %s', async (_what, act, error) => {
    const api = await startWebhookApi();
    await addWebhook(api, { url: await startRaw(act), ...onlyAdded });
    await addEvents(api, [1n]);
    await webhookWorker(api).run();
    expect(await only(api)).toMatchObject({
      state: 'WAITING',
      lastStatus: null,
      lastError: expect.stringMatching(error),
    });
  });

  it('is not one with a huge answer, of which little is read', async () => {
    const api = await startWebhookApi();
    const sent = Promise.withResolvers<number>();
    const url = await startRaw((socket) => {
      socket.on('close', () => sent.resolve(socket.bytesWritten));
      flood(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n', 'x'.repeat(1_000));
    });
    await addWebhook(api, { url, ...onlyAdded });
    await addEvents(api, [1n]);
    await webhookWorker(api).run();
    expect(await only(api)).toMatchObject({ state: 'DELIVERED', lastStatus: 200 });
    expect(await sent.promise).toBeLessThan(10_000_000);
  });
});

describe('an attempt', () => {
  it.each([
    ['answers nothing', () => {}, { status: null, error: 'TIMEOUT' }],
    ['sends a header forever', (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx: '), { error: 'TIMEOUT' }],
    ['sends a body forever', (socket: Socket) => drip(socket, 'HTTP/1.1 200 OK\r\n\r\n'), { status: 200, error: null }],
  ])('ends in time if the receiver %s', async (_what, act, outcome) => {
    const sender = openSender(onThisMachine, 200);
    onTestFinished(() => sender.close());
    const url = await startRaw(act);
    expect(await sender.post(url, { headers: {}, body: '{}' }, new Date())).toMatchObject(outcome);
  });

  it('is repeated at once on a new connection if the receiver has closed the old one', async () => {
    const sender = openSender(onThisMachine);
    onTestFinished(() => sender.close());
    let requests = 0;
    const url = await startRaw((socket) => {
      requests += 1;
      socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      // Ends the connection when the next request arrives on it.
      socket.once('data', () => socket.resetAndDestroy());
    });
    const post = () => sender.post(url, { headers: {}, body: '{}' }, new Date());
    expect(await post()).toMatchObject({ status: 204 });
    expect(await post()).toMatchObject({ status: 204 });
    expect(requests).toBe(2);
  });
});

/** Writes a little again and again, until the other side closes the connection. */
function drip(socket: Socket, head: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write('x'), 20);
  socket.on('close', () => clearInterval(timer));
}

/** Writes until the other side closes the connection. */
function flood(socket: Socket, head: string, unit: string): void {
  socket.write(head);
  const more = () => {
    while (!socket.destroyed && socket.write(unit.repeat(50)));
  };
  socket.on('drain', more);
  more();
}

describe('a webhook', () => {
  it('is disabled at once by an answer 410, with a mail to all administrators', async () => {
    const { api, receiver, run } = await startWithWebhook();
    await api.signUpAdmin('root@example.com');
    await api.signUpAdmin('other@example.com');
    await api.signUp('ada@example.com');
    await deliverMail(api);
    receiver.answer = () => 410;
    await addEvents(api, [1n, 2n]);
    await run();
    const webhook = await api.database.webhook.findFirstOrThrow();
    expect(webhook).toMatchObject({ disabledAt: api.clock.now, disabledReason: 'GONE' });
    const mails = await deliverMail(api);
    expect(mails.map(({ to }) => to).sort()).toEqual(['other@example.com', 'root@example.com']);
    expect(mails[0]).toMatchObject({ name: 'webhook-disabled', text: expect.stringMatching(/127\.0\.0\.1:\d+ \(1\)/) });
    const event = { type: 'WEBHOOK_DISABLED', userId: null, actorId: null };
    expect(await api.database.auditEvent.findFirst({ orderBy: { id: 'desc' } })).toMatchObject(event);
    const before = receiver.received.length;
    pass(api, day);
    await run();
    expect(receiver.received.length).toBe(before);
  });

  it('is disabled after five days without a delivery, and loses no event that it can still get', async () => {
    const { api, receiver, run } = await startWithWebhook();
    await api.signUpAdmin('root@example.com');
    await deliverMail(api);
    receiver.answer = () => 500;
    for (let n = 0; n < 6; n += 1) {
      await addEvents(api, [1n], n);
      await run();
      expect((await api.database.webhook.findFirstOrThrow()).disabledAt).toEqual(n === 5 ? api.clock.now : null);
      pass(api, day);
    }
    expect((await deliverMail(api)).map(({ text }) => text).join()).toContain('has failed for five days');
    expect(api.reported.map((notice) => (notice as Error).message).join()).toContain('was disabled: status 500.');
  });

  it('that fails now and then is not disabled', async () => {
    const { api, receiver, run } = await startWithWebhook();
    for (let n = 0; n < 12; n += 1) {
      receiver.answer = () => (n % 2 === 0 ? 500 : 204);
      await addEvents(api, [1n], n);
      await run();
      pass(api, day);
    }
    expect((await api.database.webhook.findFirstOrThrow()).disabledAt).toBeNull();
    expect(await statesOf(api)).not.toHaveProperty('DEAD');
  });
});
