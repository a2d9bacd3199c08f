import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook as StandardWebhook } from 'standardwebhooks';
import { onTestFinished, vi } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { recordEvents } from '../../src/events/record.ts';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { parseJson } from '../../src/json.ts';
import { commandScope } from '../../src/scope.ts';
import { Receivers } from '../../src/webhooks/delivery/receivers.ts';
import { deliverWebhooks, type WebhookOptions } from '../../src/webhooks/delivery/worker.ts';
import { openSender, type Sender } from '../../src/webhooks/http/send.ts';
import { createWebhook } from '../../src/webhooks/manage.ts';
import type { WebhookInput } from '../../src/webhooks/webhook.ts';
import { type Data, startApi, type TestApi } from './api.ts';
import { encryptionKeysOf } from './encryption-keys.ts';

export type Received = { headers: Record<string, string>; body: string; message: Data; at: number };

/** Answers a request: with a status, or by itself. */
export type Answer = (received: Received, response: ServerResponse) => number | undefined | Promise<number | undefined>;

export type Receiver = {
  url: string;
  /** All requests, in the order in which they arrived. */
  received: Received[];
  /** The requests that were answered with 2xx. */
  accepted: Received[];
  answer: Answer;
  /** The number of requests without an answer, now and at most. */
  open: { now: number; max: number };
  stop(): Promise<void>;
};

/** Starts a receiver of webhooks on this machine, which accepts everything until a test changes `answer`. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const open = { now: 0, max: 0 };
  const server = createServer((request, response) => {
    open.now += 1;
    open.max = Math.max(open.max, open.now);
    response.on('close', () => {
      open.now -= 1;
    });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString();
      const one = { headers: headersOf(request.headers), body, message: parseJson(body), at: performance.now() };
      receiver.received.push(one);
      const status = await receiver.answer(one, response);
      if (status === undefined) return;
      if (status >= 200 && status < 300) receiver.accepted.push(one);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  };
  onTestFinished(stop);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const receiver: Receiver = { url, received: [], accepted: [], answer: () => 204, open, stop };
  return receiver;
}

function headersOf(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

/** The setting that lets webhooks lead to this machine. */
export const onThisMachine = readConfig({ WEBHOOK_PRIVATE_NETWORKS: '127.0.0.0/8' }).webhooks;

/** Starts a server that can have webhooks on this machine. */
export function startWebhookApi(settings: Parameters<typeof startApi>[0] = {}): Promise<TestApi> {
  return startApi({ encryptionKeys: encryptionKeysOf(), webhooks: onThisMachine, ...settings });
}

/** Creates a webhook. Returns its row and its secret. */
export function addWebhook({ database, clock, config }: TestApi, input: WebhookInput) {
  return createWebhook(database, commandScope(clock.now), input, config);
}

export type Worker = WebhookOptions & { run(): Promise<void> };

/** A server that delivers. It remembers which receivers are down. */
export function webhookWorker(api: TestApi, wrap = (sender: Sender): Sender => sender): Worker {
  const { database, config, signingKeys, reported, clock } = api;
  const sender = wrap(openSender(config.webhooks));
  onTestFinished(() => sender.close());
  const report = (error: unknown) => reported.push(error);
  const parts = { database, policies: config, signingKeys, receivers: new Receivers(), sender, report };
  const options = { ...parts, toGlobalId: toNodeId, now: () => clock.now };
  return { ...options, run: () => deliverWebhooks(options, async () => true) };
}

/** Records events of these users, each with a number as its detail. */
export async function addEvents({ database, clock }: TestApi, userIds: (bigint | null)[], first = 0): Promise<void> {
  const events = userIds.map((userId, n) => ({ type: 'ROLE_CHANGED', userId, detail: String(first + n) }) as const);
  await recordEvents(database, commandScope(clock.now), events);
}

/** The types of `addEvents` alone. */
export const onlyAdded = { eventTypes: ['ROLE_CHANGED'] };

export function pass(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

/** Verifies a request as a receiver does, at the time of the test. Throws if no signature is right. */
export function verify(secret: string, { headers, body }: Received, now: Date): unknown {
  const spy = vi.spyOn(Date, 'now').mockReturnValue(now.getTime());
  try {
    return new StandardWebhook(secret).verify(body, headers);
  } finally {
    spy.mockRestore();
  }
}

/** Returns the numbers of the events of `addEvents`, in the order of the requests. */
export function numbersOf(requests: Received[]): number[] {
  return requests.map(({ message }) => Number(message.data.detail));
}

/** Returns the numbers of deliveries by their state. */
export async function statesOf({ database }: TestApi): Promise<Record<string, number>> {
  const groups = await database.webhookDelivery.groupBy({ by: ['state'], _count: true });
  return Object.fromEntries(groups.map(({ state, _count }) => [state, _count]));
}
