import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/server.ts';
import { commandScope } from '../../src/scope.ts';
import { createServiceClient, disableServiceClient, rotateSecret } from '../../src/service-clients/service-client.ts';
import { type Client, type Settings, startApi } from '../support/api.ts';
import { readEvents, subscribe } from '../support/event-source.ts';
import { sendRaw } from '../support/raw.ts';

const query = 'subscription { sessionEvents { __typename ... on SessionEnded { reason } } }';
const admin =
  'subscription ($types: [AuditEventType!], $userId: ID) { adminEvents(types: $types, userId: $userId) { cursor events { type userId user { id } } } }';

const search = `?${new URLSearchParams({ query })}`;
const get = (client: Client, headers: Record<string, string>) =>
  client.request({ method: 'GET', headers: { accept: 'text/event-stream', ...headers } }, search);

async function codeOf(client: Client, given: Parameters<typeof subscribe>[1]) {
  const events = await subscribe(client, given);
  const first = await events.next();
  await events.leave();
  return { status: events.status, code: first.errors?.[0].extensions.code, retry: events.headers.get('retry-after') };
}

describe('a subscription over HTTP', () => {
  it('is accepted by GET from the own site, and refused from another site', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const events = readEvents(await get(ada, { 'sec-fetch-site': 'same-origin' }));
    expect((await events.next()).data.sessionEvents.__typename).toBe('SessionsSnapshot');
    await events.leave();
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      expect((await get(ada, headers)).status).toBe(403);
    }
  });

  it.each(['application/json', 'application/graphql-response+json', '*/*'])(
    'is refused with Accept: %s',
    async (accept) => {
      const api = await startApi();
      const ada = await api.signUp('ada@example.com', 'BEARER');
      const { status, errors } = await ada.send(query, {}, { accept });
      expect([status, errors[0].message]).toEqual([406, expect.stringContaining('text/event-stream')]);
    },
  );

  it('is a stream if the client accepts one beside JSON', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const accept = 'application/graphql-response+json, application/json, text/event-stream';
    const events = await subscribe(ada, { query, headers: { accept } });
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    await events.leave();
  });

  it('is limited like every operation', async () => {
    const api = await startApi({ introspection: false });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const wide = Array.from({ length: 400 }, (_, n) => `a${n}: cursor`).join(' ');
    const deep = 'sessions { user { '.repeat(4);
    const codes = [
      [`subscription { sessionEvents { ... on SessionsSnapshot { ${wide} } } }`, 'BAD_USER_INPUT'],
      [
        `subscription { sessionEvents { ... on SessionsSnapshot { viewer { ${deep} id ${'} } '.repeat(4)} } } } }`,
        'BAD_USER_INPUT',
      ],
      ['subscription ($no: Boolean = false) { sessionEvents @include(if: $no) { __typename } }', 'BAD_USER_INPUT'],
      ['subscription { sessionEvents @skip(if: true) { __typename } }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { ... @skip(if: true) { sessionEvents { __typename } } }', 'GRAPHQL_VALIDATION_FAILED'],
      [
        'subscription { ...A } fragment A on Subscription { ...B @include(if: false) } fragment B on Subscription { sessionEvents { __typename } }',
        'GRAPHQL_VALIDATION_FAILED',
      ],
    ] as const;
    for (const [text, code] of codes) expect((await codeOf(ada, { query: text })).code, text.slice(0, 80)).toBe(code);
    const hidden = 'subscription A { sessionEvents { __typename } } query B { __schema { types { name } } }';
    expect((await codeOf(ada, { query: hidden, operationName: 'A' })).code).toBe('INTROSPECTION_DISABLED');
    expect(api.reported).toEqual([]);
  });

  it('is refused beyond five streams of a session, a hundred of an address, and the limit of the server', async () => {
    const api = await startApi({ streamsPerNode: 110 });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (let count = 0; count < 5; count += 1) await (await subscribe(ada, { query })).next();
    const refusal = { status: 429, code: 'TOO_MANY_STREAMS', retry: '10' };
    expect(await codeOf(ada, { query })).toEqual(refusal);
    const { scope } = { scope: commandScope(api.clock.now) };
    const session = await api.database.$findSession((await api.database.session.findFirstOrThrow()).handle);
    const open = (id: bigint, ipAddress: string) => {
      const one = { ...scope, session: session && { ...session, id }, client: { userAgent: null, ipAddress } };
      return api.streams.open({ scope: one, transport: 'sse', after: null, filter: null, onEnd: () => {} });
    };
    const streams = [];
    for (let id = 0n; id < 100n; id += 1n) streams.push(await open(1_000n + id, `2001:db8::${id}`));
    await expect(open(2_000n, '2001:db8::ffff')).rejects.toMatchObject({ code: 'TOO_MANY_STREAMS' });
    for (let id = 0n; id < 5n; id += 1n) streams.push(await open(3_000n + id, `192.0.2.${id}`));
    await expect(open(4_000n, '192.0.2.99')).rejects.toMatchObject({ code: 'TOO_MANY_STREAMS' });
    for (const stream of streams) await stream.return();
    await (await open(2_000n, '2001:db8::ffff')).return();
  });

  it('is refused if the operator turned subscriptions off, and while the server stops', async () => {
    const off = await startApi({ streamsPerNode: 0 });
    expect(await codeOf(await off.signUp('ada@example.com', 'BEARER'), { query })).toMatchObject({
      code: 'SUBSCRIPTIONS_DISABLED',
    });
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const events = await subscribe(ada, { query });
    await events.next();
    await api.streams.drain(0);
    expect(await events.next()).toBeUndefined();
    expect(await codeOf(ada, { query })).toEqual({ status: 503, code: 'SERVER_OVERLOADED', retry: '1' });
  });
});

describe('adminEvents', () => {
  it('tells administrators the events of all accounts by a filter, until they lose the role', async () => {
    const api = await startApi();
    const root = await api.signUpAdmin('root@example.com');
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { id } = (await ada.ask('{ viewer { id } }')).viewer;
    const all = await subscribe(root, { query: admin });
    const some = await subscribe(root, { query: admin, variables: { types: ['LOGGED_OUT'], userId: id } });
    for (const events of [all, some]) expect((await events.next()).data.adminEvents.events).toEqual([]);
    const bob = await api.signUp('bob@example.com', 'BEARER');
    await bob.ask('mutation { logout { revokedSessionId } }');
    await ada.ask('mutation { logout { revokedSessionId } }');
    expect((await some.next()).data.adminEvents.events).toEqual([{ type: 'LOGGED_OUT', userId: id, user: { id } }]);
    expect((await all.next()).data.adminEvents.events[0].type).toBe('SIGNED_UP');
    await api.database.user.updateMany({ where: { email: 'root@example.com' }, data: { role: 'user' } });
    await api.streams.check();
    const { messages, isComplete } = await some.rest();
    expect([messages.at(-1).errors[0].extensions.code, isComplete]).toEqual(['FORBIDDEN', true]);
  });

  it('tells services with the scope `events`, who see no user, until the client is disabled or its secret changes', async () => {
    const api = await startApi();
    const scope = commandScope(api.clock.now);
    const { client, secret } = await createServiceClient(api.database, scope, { name: 'app', scopes: ['events'] });
    const other = await createServiceClient(api.database, scope, { name: 'other', scopes: ['users:read'] });
    const follow = async (key: string) => {
      const events = await subscribe(api.client(), { query: admin, headers: { 'x-service-key': key } });
      return { events, first: await events.next() };
    };
    expect((await follow(other.secret)).first.errors[0].extensions.code).toBe('UNAUTHENTICATED');
    const { events } = await follow(secret);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { id } = (await ada.ask('{ viewer { id } }')).viewer;
    expect((await events.next()).data.adminEvents.events).toContainEqual({ type: 'SIGNED_UP', userId: id, user: null });
    const rotated = await rotateSecret(api.database, scope, client.id);
    expect((await events.rest()).isComplete).toBe(false);
    const { events: again } = await follow(rotated.secret);
    await disableServiceClient(api.database, scope, client.id);
    const { messages, isComplete } = await again.rest();
    expect([messages.at(-1).errors[0].extensions.code, isComplete]).toEqual(['FORBIDDEN', true]);
  });
});

describe('a server with streams', () => {
  async function serve(settings: Settings = {}) {
    const api = await startApi(settings);
    const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
    onTestFinished(stop);
    return { api, port };
  }

  it('frees a stream whose client disconnects', async () => {
    const { api, port } = await serve();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (let count = 0; count < 12; count += 1) {
      const controller = new AbortController();
      const open = () =>
        fetch(`http://localhost:${port}/graphql${search}`, {
          headers: { ...ada.headers(), accept: 'text/event-stream' },
          signal: controller.signal,
        });
      await expect.poll(async () => (await open()).status).toBe(200);
      controller.abort();
    }
    expect(api.reported).toEqual([]);
  });

  it('answers 413 to a body of 1 MB', async () => {
    const { port } = await serve();
    const head =
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n';
    expect(await sendRaw(port, `${head}Content-Length: 1000000\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413/);
  });
});
