import { decodeProtectedHeader } from 'jose';
import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { commandScope } from '../../src/scope.ts';
import { rotateSigningKeys } from '../../src/signing-keys/rotate.ts';
import { publicationMs, signingMs } from '../../src/signing-keys/rotation.ts';
import { testWebhook } from '../../src/webhooks/manage.ts';
import type { TestApi } from '../support/api.ts';
import { caep, eventOf, verifySet } from '../support/security-events.ts';
import {
  type Answer,
  addEvents,
  addWebhook,
  pass,
  type Received,
  type Receiver,
  startReceiver,
  startWebhookApi,
  statesOf,
  webhookWorker,
} from '../support/webhooks.ts';

/** A server with a receiver of security events, which accepts as RFC 8935 says. */
async function setUp() {
  const api = await startWebhookApi();
  const receiver = await startReceiver();
  receiver.answer = () => 202;
  const added = await addWebhook(api, { url: receiver.url, format: 'SET' });
  return { api, receiver, worker: webhookWorker(api), ...added };
}

/** Verifies the tokens as the receiver does, and returns their claims. */
async function claimsOf(api: TestApi, receiver: Receiver, requests: Received[] = receiver.received) {
  const verified = requests.map(({ body }) => verifySet(api, body, receiver.url));
  return (await Promise.all(verified)).map(({ payload }) => payload);
}

/** An answer that rejects a token. */
const rejects =
  (body: string): Answer =>
  (_request, response) => {
    response.writeHead(400, { 'content-type': 'application/json' }).end(body);
    return undefined;
  };

describe('a webhook of the format SET', () => {
  it('gets one signed token for each security event, and the secret as a bearer token', async () => {
    const { api, receiver, worker, secret } = await setUp();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { id } = (await ada.ask('{ viewer { id } }')).viewer;
    const { handle } = (await ada.ask('{ currentSession { handle } }')).currentSession;
    await ada.ask('mutation { logout { revokedSessionId } }');
    await worker.run();
    const iss = api.config.publicUrl.origin;
    const [claims, ...others] = await claimsOf(api, receiver);
    expect(others).toEqual([]);
    expect(claims).toEqual({
      iss,
      aud: receiver.url,
      iat: expect.any(Number),
      jti: expect.stringMatching(/^msg_[\w-]{27}$/),
      txn: expect.any(String),
      toe: claims?.iat,
      sub_id: {
        format: 'complex',
        user: { format: 'iss_sub', iss, sub: id },
        session: { format: 'opaque', id: handle },
      },
      events: { [`${caep}/session-revoked`]: expect.objectContaining({ initiating_entity: 'user' }) },
    });
    expect(receiver.received[0]?.headers).toMatchObject({
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      authorization: `Bearer ${secret}`,
    });
    expect(await statesOf(api)).toEqual({ DELIVERED: 1 });
  });

  it('gets a verification event when it is tested, and not when another one is', async () => {
    const { api, receiver, worker, webhook } = await setUp();
    const other = await addWebhook(api, { url: receiver.url });
    for (const { id } of [webhook, other.webhook]) {
      await testWebhook(api.database, commandScope(api.clock.now), id);
    }
    await worker.run();
    const tokens = receiver.received.filter(({ headers }) => headers['content-type'] === 'application/secevent+jwt');
    const [claims = {}, ...others] = await claimsOf(api, receiver, tokens);
    expect(others).toEqual([]);
    expect(claims.sub_id).toEqual({ format: 'opaque', id: toNodeId('Webhook', webhook.id) });
    expect(eventOf(claims)).toEqual({
      type: 'https://schemas.openid.net/secevent/ssf/event-type/verification',
      claims: {},
    });
  });

  it('gets a token that it calls invalid no more, and the next one of the same user', async () => {
    const { api, receiver, worker } = await setUp();
    receiver.answer = rejects('{"err": "invalid_audience", "description": "not me"}');
    await addEvents(api, [1n]);
    await worker.run();
    receiver.answer = () => 202;
    await addEvents(api, [1n], 1);
    await worker.run();
    expect(await statesOf(api)).toEqual({ DEAD: 1, DELIVERED: 1 });
    const dead = await api.database.webhookDelivery.findFirst({ where: { state: 'DEAD' } });
    expect(dead).toMatchObject({ lastStatus: 400, lastError: 'INVALID_AUDIENCE', attempts: 1 });
  });

  it.each([
    ['invalid_key', '{"err": "invalid_key", "description": "unknown kid"}', 'INVALID_KEY'],
    ['authentication_failed', '{"err": "authentication_failed"}', 'AUTHENTICATION_FAILED'],
    ['another code', '{"err": "something else"}', 'HTTP_400'],
    ['no JSON', 'invalid_request', 'HTTP_400'],
    ['20 KB', `{"err": "invalid_request", "a": "${'a'.repeat(20_000)}"}`, 'HTTP_400'],
  ])('gets a token again after an answer with %s, signed by the key of then', async (_name, answer, lastError) => {
    const { api, receiver, worker } = await setUp();
    receiver.answer = rejects(answer);
    await addEvents(api, [1n]);
    await worker.run();
    expect(await api.database.webhookDelivery.findFirst()).toMatchObject({ state: 'WAITING', lastError });
    pass(api, signingMs - publicationMs);
    const clock = { now: () => api.clock.now, stop: () => {} };
    if (api.config.encryptionKeys) await rotateSigningKeys(api.database, api.config.encryptionKeys, clock);
    pass(api, publicationMs + 1);
    receiver.answer = () => 202;
    await api.database.webhookDelivery.updateMany({ data: { queuedAt: api.clock.now } });
    await worker.run();
    const [first, again] = await claimsOf(api, receiver);
    expect(again?.jti).toBe(first?.jti);
    expect(new Set(receiver.received.map(({ body }) => decodeProtectedHeader(body).kid)).size).toBe(2);
    expect(await statesOf(api)).toEqual({ DELIVERED: 1 });
  });

  it('is created over GraphQL, for types that have a security event', async () => {
    const api = await startWebhookApi();
    const root = await api.signUpAdmin('root@example.com');
    const create = `mutation ($types: [AuditEventType!]) {
      createWebhook(url: "https://receiver.example/events", format: SET, eventTypes: $types) {
        ... on WebhookSecretPayload { webhook { format eventTypes } }
        ... on ValidationError { issues { path message } } } }`;
    const types = ['LOGGED_IN', 'LOGGED_OUT'];
    expect((await root.ask(create, { types })).createWebhook.webhook).toEqual({ format: 'SET', eventTypes: types });
    expect((await root.ask(create, { types: ['LOGGED_IN'] })).createWebhook.issues).toEqual([
      { path: ['eventTypes'], message: 'No security event tells about any of these types.' },
    ]);
    const plain =
      'mutation { createWebhook(url: "https://a.example/") { ... on WebhookSecretPayload { webhook { format } } } }';
    expect((await root.ask(plain)).createWebhook.webhook.format).toBe('STANDARD');
  });
});
