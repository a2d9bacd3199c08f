import { describe, expect, it } from 'vitest';
import { auditEventTypes } from '../../src/events/record.ts';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { maintain } from '../../src/maintenance/maintenance.ts';
import { commandScope } from '../../src/scope.ts';
import { eventNames } from '../../src/webhooks/event-names.ts';
import { deleteWebhook, maxWebhooks } from '../../src/webhooks/manage.ts';
import { replayDead } from '../../src/webhooks/replay.ts';
import { type Client, type Data, startApi, type TestApi } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { textOf } from '../support/text.ts';
import {
  addEvents,
  addWebhook,
  numbersOf,
  onlyAdded,
  pass,
  type Receiver,
  startReceiver,
  startWebhookApi,
  statesOf,
  verify,
  webhookWorker,
} from '../support/webhooks.ts';

const hour = 3_600_000;
const day = 24 * hour;

type Setting = { api: TestApi; root: Client; receiver: Receiver; run: () => Promise<void> };

async function startWithAdmin(): Promise<Setting> {
  const api = await startWebhookApi();
  const root = await api.signUpAdmin('root@example.com');
  return { api, root, receiver: await startReceiver(), run: webhookWorker(api).run };
}

const fields = 'id url description eventTypes previousSecretUntil failingSince disabledAt disabledReason';

/** Carries out a mutation with literal arguments. Returns its result. */
async function act(client: Client, field: string, args: string): Promise<Data> {
  const query = `mutation { ${field}(${args}) {
    __typename
    ... on WebhookSecretPayload { secret webhook { ${fields} } }
    ... on WebhookPayload { webhook { ${fields} } }
    ... on ReplayWebhookDeliveryPayload { delivery { state attempts } }
    ... on ReplayWebhookDeliveriesPayload { replayedCount }
    ... on DeleteWebhookPayload { deletedWebhookId }
    ... on UserError { code message }
    ... on ValidationError { issues { path message } }
  } }`;
  const known = query.split('\n').filter((line) => !line.includes('... on') || !unrelated(field).test(line));
  return (await client.ask(known.join('\n')))[field];
}

/** Matches the selections of types that the result of a mutation cannot have. */
function unrelated(field: string): RegExp {
  const payloads: Record<string, string> = {
    createWebhook: 'WebhookSecretPayload',
    rotateWebhookSecret: 'WebhookSecretPayload',
    deleteWebhook: 'DeleteWebhookPayload',
    replayWebhookDelivery: 'ReplayWebhookDeliveryPayload',
    replayWebhookDeliveries: 'ReplayWebhookDeliveriesPayload',
  };
  const own = payloads[field] ?? 'WebhookPayload';
  const validated = /^(create|update|rotate)/.test(field) ? '' : '|ValidationError';
  return new RegExp(`on (?!${own} )\\w*Payload${validated}`);
}

describe('webhooks over GraphQL', () => {
  it('are created with a secret that is shown once, and is encrypted in the database', async () => {
    const { api, root, receiver, run } = await startWithAdmin();
    const args = `url: "${receiver.url}", description: " orders ", eventTypes: [ROLE_CHANGED, SIGNED_UP]`;
    const { secret, webhook } = await act(root, 'createWebhook', args);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(webhook).toMatchObject({
      description: 'orders',
      eventTypes: ['SIGNED_UP', 'ROLE_CHANGED'],
      disabledAt: null,
    });
    expect(textOf(await api.database.webhook.findMany())).not.toContain(secret.slice(6));
    const { webhooks } = await root.ask(`{ webhooks { totalCount nodes { ${fields} } } }`);
    expect(webhooks).toEqual({ totalCount: 1, nodes: [webhook] });
    await addEvents(api, [1n]);
    await run();
    const [request] = receiver.received;
    if (request) verify(secret, request, api.clock.now);
    const list = `{ webhookDeliveries(webhookId: "${webhook.id}", state: DELIVERED) { totalCount nodes {
      state attempts eventType messageId lastStatus lastError nextAttemptAt payload webhook { id } } } }`;
    expect((await root.ask(list)).webhookDeliveries).toEqual({
      totalCount: 1,
      nodes: [
        {
          state: 'DELIVERED',
          attempts: 1,
          eventType: 'ROLE_CHANGED',
          messageId: request?.headers['webhook-id'],
          lastStatus: 204,
          lastError: null,
          nextAttemptAt: null,
          payload: request?.body,
          webhook: { id: webhook.id },
        },
      ],
    });
    expect((await root.ask(list.replace('DELIVERED', 'DEAD'))).webhookDeliveries.totalCount).toBe(0);
    expect((await root.ask(list.replace(webhook.id, 'none'))).webhookDeliveries.totalCount).toBe(0);
  });

  it.each([
    ['a URL without https', 'url: "http://example.com/"', 'url'],
    ['a private address', 'url: "https://10.0.0.1/"', 'url'],
    ['an empty list of types', 'url: "https://example.com/", eventTypes: []', 'eventTypes'],
    ['a long description', `url: "https://example.com/", description: "${'a'.repeat(201)}"`, 'description'],
    ['NUL in the description', String.raw`url: "https://example.com/", description: "a\u0000"`, 'description'],
    ['CSI in the description', String.raw`url: "https://example.com/", description: "\u009b2J"`, 'description'],
  ])('are refused with %s', async (_what, args, path) => {
    const api = await startApi({ encryptionKeys: encryptionKeysOf() });
    const root = await api.signUpAdmin('root@example.com');
    const { __typename, issues } = await act(root, 'createWebhook', args);
    expect([__typename, issues?.map((issue: Data) => issue.path)]).toEqual(['ValidationError', [[path]]]);
  });

  it('are refused without encryption keys, and beyond their maximum number', async () => {
    const bare = await startApi();
    const other = await bare.signUpAdmin('root@example.com');
    const refused = await act(other, 'createWebhook', 'url: "https://example.com/"');
    expect(refused).toMatchObject({
      code: 'ENCRYPTION_KEYS_MISSING',
      message: expect.stringContaining('ENCRYPTION_KEYS'),
    });
    const { api, root, receiver } = await startWithAdmin();
    const { webhook } = await addWebhook(api, { url: receiver.url });
    const { id: _, ...row } = webhook;
    await api.database.webhook.createMany({ data: Array.from({ length: maxWebhooks - 1 }, () => row) });
    const { issues } = await act(root, 'createWebhook', `url: "${receiver.url}"`);
    expect(issues).toMatchObject([{ message: expect.stringContaining('There are 50 webhooks already') }]);
  });

  it('are for administrators who entered their password recently', async () => {
    const { api, root, receiver } = await startWithAdmin();
    pass(api, hour);
    const { code } = await act(root, 'createWebhook', `url: "${receiver.url}"`);
    expect(code).toBe('REAUTHENTICATION_REQUIRED');
    expect(await api.database.webhook.count()).toBe(0);
  });

  it('sign with two secrets for a day after a rotation, and with the new one after a leak', async () => {
    const { api, root, receiver, run } = await startWithAdmin();
    const first = await act(root, 'createWebhook', `url: "${receiver.url}", eventTypes: [ROLE_CHANGED]`);
    const { id } = first.webhook;
    const send = async () => {
      await addEvents(api, [1n]);
      await run();
      const request = receiver.received.at(-1);
      if (!request) throw new Error('There was no request.');
      return (secret: string) => {
        try {
          return verify(secret, request, api.clock.now) !== undefined;
        } catch {
          return false;
        }
      };
    };
    const second = await act(root, 'rotateWebhookSecret', `id: "${id}"`);
    expect(second.webhook.previousSecretUntil).toBe(new Date(api.clock.now.getTime() + day).toISOString());
    expect([first.secret, second.secret].map(await send())).toEqual([true, true]);
    pass(api, day);
    expect([first.secret, second.secret].map(await send())).toEqual([false, true]);
    await root.act('reauthenticate', { password: 'correct horse battery staple' });
    const third = await act(root, 'rotateWebhookSecret', `id: "${id}", overlapHours: 0`);
    expect([second.secret, third.secret].map(await send())).toEqual([false, true]);
    const wrong = await act(root, 'rotateWebhookSecret', `id: "${id}", overlapHours: 721`);
    expect(wrong.issues[0].path).toEqual(['overlapHours']);
  });

  it('keep the events of the time for which they are disabled, unless these are to be skipped', async () => {
    const { api, root, receiver, run } = await startWithAdmin();
    const { webhook } = await act(root, 'createWebhook', `url: "${receiver.url}", eventTypes: [ROLE_CHANGED]`);
    const id = `id: "${webhook.id}"`;
    for (const [number, args, expected] of [
      [0, id, [0]],
      [1, `${id}, skipMissed: true`, [0]],
    ] as const) {
      const disabled = await act(root, 'disableWebhook', id);
      expect(disabled.webhook).toMatchObject({ disabledReason: 'ADMINISTRATOR' });
      await addEvents(api, [1n], number);
      await run();
      expect((await act(root, 'enableWebhook', args)).webhook).toMatchObject({
        disabledAt: null,
        disabledReason: null,
      });
      await run();
      expect(numbersOf(receiver.received)).toEqual(expected);
    }
  });

  it('can get another URL, receive a test of any type, and be deleted', async () => {
    const { api, root, receiver, run } = await startWithAdmin();
    const other = await startReceiver();
    const { webhook } = await act(root, 'createWebhook', `url: "${receiver.url}", eventTypes: [ROLE_CHANGED]`);
    const id = `id: "${webhook.id}"`;
    const changed = await act(root, 'updateWebhook', `${id}, url: "${other.url}"`);
    expect(changed.webhook).toEqual({ ...webhook, url: other.url });
    expect((await act(root, 'updateWebhook', `${id}, url: "https://10.0.0.1"`)).code).toBe('VALIDATION_FAILED');
    await act(root, 'testWebhook', id);
    await run();
    expect(receiver.received).toEqual([]);
    expect(other.received.map(({ message }) => message.type)).toEqual(['webhook.tested']);
    expect(await act(root, 'deleteWebhook', id)).toMatchObject({ deletedWebhookId: webhook.id });
    expect(await api.database.webhookDelivery.count()).toBe(0);
    for (const field of ['deleteWebhook', 'testWebhook', 'enableWebhook', 'disableWebhook', 'updateWebhook']) {
      expect((await act(root, field, id)).code).toBe('WEBHOOK_NOT_FOUND');
    }
    const { nodes } = (await root.ask('{ auditEvents(first: 4) { nodes { type detail } } }')).auditEvents;
    expect(nodes.map(({ type }: Data) => type)).toEqual([
      'WEBHOOK_DELETED',
      'WEBHOOK_TESTED',
      'WEBHOOK_CHANGED',
      'WEBHOOK_CREATED',
    ]);
    // Neither the path nor the query of the URL, which may be secret.
    expect(nodes[0].detail).toBe(`${new URL(other.url).host} (1)`);
  });

  it('replay one delivery, and all dead ones since a time', async () => {
    const { api, root, receiver, run } = await startWithAdmin();
    const { webhook } = await act(root, 'createWebhook', `url: "${receiver.url}", eventTypes: [ROLE_CHANGED]`);
    await addEvents(api, [1n, 2n, 3n]);
    await run();
    const dead = { state: 'DEAD', finishedAt: api.clock.now, attempts: 10 };
    await api.database.webhookDelivery.updateMany({ data: dead });
    const rows = await api.database.webhookDelivery.findMany({ orderBy: { id: 'asc' } });
    const old = new Date(api.clock.now.getTime() - day);
    await api.database.webhookDelivery.update({ where: { id: rows[0]?.id ?? 0n }, data: { finishedAt: old } });
    const since = new Date(api.clock.now.getTime() - hour).toISOString();
    const replayed = await act(root, 'replayWebhookDeliveries', `webhookId: "${webhook.id}", since: "${since}"`);
    expect(replayed.replayedCount).toBe(2);
    await run();
    expect(numbersOf(receiver.received).slice(3).sort()).toEqual([1, 2]);
    const one = `id: "${toNodeId('WebhookDelivery', rows[0]?.id ?? 0n)}"`;
    expect((await act(root, 'replayWebhookDelivery', one)).delivery).toEqual({ state: 'WAITING', attempts: 0 });
    await run();
    expect(numbersOf(receiver.received).at(-1)).toBe(0);
    const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(3);
    expect((await act(root, 'replayWebhookDelivery', 'id: "none"')).code).toBe('WEBHOOK_DELIVERY_NOT_FOUND');
    const early = `webhookId: "${webhook.id}", since: "0000-01-01T00:00:00Z"`;
    expect((await act(root, 'replayWebhookDeliveries', early)).replayedCount).toBe(0);
  });

  it('replay and lose any number of deliveries, in short transactions', async () => {
    const { api, receiver } = await startWithAdmin();
    const { webhook } = await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const delivery = { webhookId: webhook.id, eventType: 'ROLE_CHANGED', payload: '{}', state: 'DEAD' };
    const at = { queuedAt: api.clock.now, sendAfter: api.clock.now, finishedAt: api.clock.now };
    const rows = Array.from({ length: 2_001 }, (_, n) => ({
      ...delivery,
      ...at,
      eventId: n + 1,
      messageId: `msg_${n}`,
    }));
    await api.database.webhookDelivery.createMany({ data: rows });
    const scope = commandScope(api.clock.now);
    const counts: number[] = [];
    const dead = { webhookId: webhook.id, since: api.clock.now, max: 1_500 };
    for (let time = 0; time < 3; time += 1) counts.push(await replayDead(api.database, scope, dead));
    expect(counts).toEqual([1_500, 501, 0]);
    const changes = api.statements.filter((sql) => /^UPDATE .*WebhookDelivery/.test(sql));
    expect(changes.length).toBeGreaterThan(2);
    api.statements.length = 0;
    await deleteWebhook(api.database, scope, webhook.id);
    expect(api.statements.filter((sql) => /^DELETE .*WebhookDelivery/.test(sql)).length).toBe(3);
    expect(await api.database.webhookDelivery.count()).toBe(0);
    const events = await api.database.auditEvent.findMany({ where: { type: { startsWith: 'WEBHOOK_' } } });
    expect(events.map(({ type }) => type)).toEqual([
      'WEBHOOK_CREATED',
      'WEBHOOK_REPLAYED',
      'WEBHOOK_REPLAYED',
      'WEBHOOK_DELETED',
    ]);
  });
});

describe('the secrets of webhooks', () => {
  it('are encrypted again by maintenance with a new first key', async () => {
    const { api, receiver, run } = await startWithAdmin();
    const { secret } = await addWebhook(api, { url: receiver.url, ...onlyAdded });
    const [old] = api.config.encryptionKeys ?? [];
    const [fresh] = encryptionKeysOf();
    if (!old) throw new Error('There is no key.');
    const clock = { now: () => api.clock.now, stop: () => {} };
    await maintain(api.database, { ...api.config, encryptionKeys: [fresh, old] }, clock);
    api.config.encryptionKeys = [fresh];
    await addEvents(api, [1n]);
    await run();
    const [request] = receiver.received;
    if (!request) throw new Error('There was no request.');
    verify(secret, request, api.clock.now);
  });

  it('that cannot be decrypted are reported once, and the events wait for the key or a rotation', async () => {
    const { api, root, receiver } = await startWithAdmin();
    const { webhook } = await addWebhook(api, { url: receiver.url, ...onlyAdded });
    api.config.encryptionKeys = encryptionKeysOf();
    const { run } = webhookWorker(api);
    await addEvents(api, [1n]);
    await run();
    await run();
    expect(api.reported).toMatchObject([{ message: expect.stringContaining('ENCRYPTION_KEYS lacks the key') }]);
    expect(await statesOf(api)).toEqual({ WAITING: 1 });
    const { secret } = await act(root, 'rotateWebhookSecret', `id: "${toNodeId('Webhook', webhook.id)}"`);
    await run();
    const [request] = receiver.received;
    if (request) verify(secret, request, api.clock.now);
    expect(receiver.received.length).toBe(1);
  });
});

describe('deliveries', () => {
  it('are deleted after their retention: delivered ones after three days, dead ones after thirty', async () => {
    const { api, receiver, run } = await startWithAdmin();
    await addWebhook(api, { url: receiver.url, ...onlyAdded });
    await addEvents(api, [1n, 2n]);
    await run();
    const { id } = await api.database.webhookDelivery.findFirstOrThrow();
    await api.database.webhookDelivery.update({ where: { id }, data: { state: 'DEAD' } });
    const clock = { now: () => api.clock.now, stop: () => {} };
    const counts: number[] = [];
    for (const days of [2.9, 0.2, 3, 6, 6, 6, 5.8, 0.2]) {
      pass(api, days * day);
      await maintain(api.database, api.config, clock);
      counts.push(await api.database.webhookDelivery.count());
    }
    expect(counts).toEqual([2, 1, 1, 1, 1, 1, 1, 0]);
  });
});

describe('names of events', () => {
  it('exist for each type, once, with a dot', () => {
    expect(Object.keys(eventNames).sort()).toEqual(Object.keys(auditEventTypes).sort());
    const names = Object.values(eventNames);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$/);
  });
});
