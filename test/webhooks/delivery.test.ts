import { Webhook as StandardWebhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { recordEvents } from '../../src/events/record.ts';
import { commandScope } from '../../src/scope.ts';
import type { TestApi } from '../support/api.ts';
import { addWebhook, type Received, startReceiver, startWebhookApi, webhookWorker } from '../support/webhooks.ts';

const second = 1_000;

/** Records events of these users, each with a number as its detail. */
async function addEvents({ database, clock }: TestApi, userIds: bigint[], first = 0): Promise<void> {
  const events = userIds.map((userId, n) => ({ type: 'ROLE_CHANGED', userId, detail: String(first + n) }) as const);
  await recordEvents(database, commandScope(clock.now), events);
}

function pass(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

/** Verifies a request as a receiver does, at the time of the test. Throws if its signature is wrong. */
function verify(secret: string, { headers, body }: Received, now: Date): unknown {
  const spy = vi.spyOn(Date, 'now').mockReturnValue(now.getTime());
  try {
    return new StandardWebhook(secret).verify(body, headers);
  } finally {
    spy.mockRestore();
  }
}

const detailsOf = (requests: Received[]) => requests.map(({ message }) => message.data.detail);

const states = async ({ database }: TestApi) => {
  const groups = await database.webhookDelivery.groupBy({ by: ['state'], _count: true });
  return Object.fromEntries(groups.map(({ state, _count }) => [state, _count]));
};

const only = { eventTypes: ['ROLE_CHANGED'] };

describe('a webhook', () => {
  it('receives each event of its types once, signed', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    const { secret } = await addWebhook(api, { url: receiver.url, eventTypes: ['SIGNED_UP', 'LOGGED_OUT'] });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const me = (await ada.ask('{ currentSession { handle user { id } } }')).currentSession;
    await ada.ask('mutation { logout { revokedSessionId } }');
    const worker = webhookWorker(api);
    await worker.run();
    await worker.run();
    const messages = receiver.received.map((request) => verify(secret, request, api.clock.now));
    const data = { userId: me.user.id, actorId: me.user.id, eventId: expect.any(String), detail: null };
    expect(messages).toEqual([
      { type: 'user.signed_up', timestamp: expect.any(String), data: { ...data, sessionHandle: me.handle } },
      { type: 'session.logged_out', timestamp: expect.any(String), data: { ...data, sessionHandle: me.handle } },
    ]);
    expect(receiver.received[0]?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(await states(api)).toEqual({ DELIVERED: 2 });
  });

  it('gets each event of an hour in which it was down, in the order of each user', async () => {
    const api = await startWebhookApi();
    const receiver = await startReceiver();
    const port = Number(new URL(receiver.url).port);
    await addWebhook(api, { url: receiver.url, ...only });
    const worker = webhookWorker(api);
    await receiver.stop();
    const users = Array.from({ length: 60 }, (_, n) => BigInt(1 + (n % 7)));
    for (let minute = 0; minute < 60; minute += 1) {
      await addEvents(api, users.slice(minute, minute + 1), minute);
      await worker.run();
      pass(api, 60 * second);
    }
    expect(await states(api)).toEqual({ WAITING: 60 });
    const again = await startReceiver(port);
    for (let n = 0; n < 5; n += 1) {
      pass(api, 61 * second);
      await worker.run();
    }
    expect(
      detailsOf(again.accepted)
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual(users.map((_, n) => n));
    for (const user of new Set(users)) {
      const own = detailsOf(again.accepted).filter((detail) => users[Number(detail)] === user);
      expect(own).toEqual([...own].sort((a, b) => Number(a) - Number(b)));
    }
    // While it is down, it gets single attempts.
    expect(await api.database.webhookDelivery.count({ where: { attempts: { gt: 3 } } })).toBeLessThan(20);
  });
});
