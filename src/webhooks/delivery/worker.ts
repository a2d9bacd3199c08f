/** Delivers events to webhooks in the background: at least once, and by one server at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Repeated } from '../../background.ts';
import type { Clock } from '../../database/clock.ts';
import { repeatUnderLease } from '../../database/lease.ts';
import { OperatorNotice } from '../../errors.ts';
import type { Webhook } from '../../generated/sqlite/client.ts';
import { openSender } from '../http/send.ts';
import { type AttemptOptions, attempt, type Sign, signerOf } from './attempt.ts';
import { type FanOutOptions, fanOut } from './fan-out.ts';
import { claim, findDue } from './queue.ts';
import { Receivers } from './receivers.ts';
import { findNext } from './turns.ts';

/** The pause between two looks at the log. An event is sent within this time and that of a request. */
const intervalMs = 1_000;

export type WebhookOptions = AttemptOptions & Pick<FanOutOptions, 'toGlobalId' | 'maxWaiting'>;

type WorkerOptions = Omit<WebhookOptions, 'receivers' | 'sender' | 'now'> & { clock: Clock };

/** Starts the delivery in the background. */
export function startWebhooks({ clock, ...worker }: WorkerOptions): Repeated {
  const { database, policies, report } = worker;
  const sender = openSender(policies.webhooks);
  const options = { ...worker, sender, receivers: new Receivers(), now: () => clock.now() };
  let hasWarned = false;
  /** Returns whether there is work that this server can do. */
  async function mayWork(): Promise<boolean> {
    const webhooks = await listEnabled(options);
    if (webhooks.length === 0) return false;
    if (policies.encryptionKeys !== null) return hasWork(webhooks, options);
    if (!hasWarned) report(new OperatorNotice('error', keysAreMissing));
    hasWarned = true;
    return false;
  }

  const leased = {
    name: 'webhooks',
    pauseMs: intervalMs,
    hasWork: mayWork,
    work: (mayContinue: () => Promise<boolean>) => deliverWebhooks(options, mayContinue),
  };
  const delivery = repeatUnderLease(database, clock, leased, report);
  return {
    async stop() {
      await delivery.stop();
      sender.close();
    },
  };
}

const keysAreMissing =
  'No webhook receives events: ENCRYPTION_KEYS is not set, and their secrets are encrypted. The events wait in the log.';

function listEnabled({ database }: Pick<WebhookOptions, 'database'>): Promise<Webhook[]> {
  return database.webhook.findMany({ where: { disabledAt: null }, orderBy: { id: 'asc' } });
}

/** Returns whether there are events to read or deliveries to send: a few reads by an index for each webhook at most. */
async function hasWork(webhooks: Webhook[], { database, now }: WebhookOptions): Promise<boolean> {
  const lowest = webhooks.map(({ lastEventId }) => lastEventId).reduce((one, other) => (one < other ? one : other));
  const select = { id: true };
  if (await database.auditEvent.findFirst({ where: { id: { gt: lowest } }, select })) return true;
  for (const { id: webhookId } of webhooks) {
    const where = { webhookId, state: 'WAITING', sendAfter: { lte: now() } };
    if ((await database.webhookDelivery.findFirst({ where, select })) === null) continue;
    // All of them may be behind an earlier one of the same user, which waits longer.
    if ((await findNext(database, webhookId, { after: 0n, limit: 1 }, now())).length > 0) return true;
  }
  return false;
}

/** Makes and sends all deliveries that are due, for as long as `mayContinue` allows. No receiver delays another. */
export async function deliverWebhooks(options: WebhookOptions, mayContinue: () => Promise<boolean>): Promise<void> {
  const running = new Map<bigint, Promise<unknown>>();
  const errors: unknown[] = [];
  /** The webhooks that may have due deliveries: those that had none need no search until something changes. */
  const candidates = new Set<bigint>();
  let readAt = Number.NEGATIVE_INFINITY;

  function signer(webhook: Webhook): Sign | null {
    try {
      return signerOf(webhook, options);
    } catch (error) {
      // Its deliveries wait, until the key is there or it has another secret.
      if (!options.receivers.noteUnreadable(webhook.id)) options.report(error);
      return null;
    }
  }

  async function start(webhook: Webhook): Promise<number> {
    const { database, receivers, now } = options;
    // A failure that an administrator has cleared since.
    if (webhook.failingSince === null) receivers.forget(webhook.id);
    // Before the search: the end of an attempt meanwhile adds it again.
    candidates.delete(webhook.id);
    const capacity = receivers.capacityOf(webhook.id, now());
    if (capacity === 0) return 0;
    const sign = signer(webhook);
    if (sign === null) return 0;
    const due = await findDue(
      database,
      webhook.id,
      { after: receivers.lastTurnOf(webhook.id), limit: capacity },
      now(),
    );
    const last = due.at(-1);
    if (last) {
      candidates.add(webhook.id);
      receivers.noteTurn(webhook.id, last.userId);
    }
    let started = 0;
    for (const delivery of due.toSorted((one, other) => (one.id < other.id ? -1 : 1))) {
      if (running.has(delivery.id) || !(await claim(database, delivery, now()))) continue;
      started += 1;
      const end = receivers.begin(webhook.id);
      const inFlight = () => [...running.keys()];
      const sending = attempt(webhook, delivery, sign, { ...options, inFlight })
        .catch((error) => errors.push(error))
        .finally(() => {
          end();
          running.delete(delivery.id);
          candidates.add(webhook.id);
        });
      running.set(delivery.id, sending);
    }
    return started;
  }

  try {
    do {
      const webhooks = await listEnabled(options);
      let hasMore = false;
      if (running.size === 0 || performance.now() - readAt >= intervalMs) {
        const changed = await fanOut(webhooks, options);
        hasMore = changed.size > 0;
        readAt = performance.now();
        // Some may be disabled by now.
        candidates.clear();
        for (const { id } of webhooks) candidates.add(id);
      }
      let started = 0;
      for (const webhook of webhooks) if (candidates.has(webhook.id)) started += await start(webhook);
      if (running.size === 0 && candidates.size === 0 && !hasMore && started === 0) break;
      if (running.size > 0 && started === 0)
        await Promise.race([...running.values(), sleep(intervalMs, null, { ref: false })]);
    } while (errors.length === 0 && (await mayContinue()));
  } finally {
    await Promise.all(running.values());
  }
  if (errors.length > 0) throw errors[0];
}
