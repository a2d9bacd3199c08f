import { readdir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OperatorNotice } from '../../src/errors.ts';
import { ExportQueue, maxWaiting } from '../../src/monitoring/traces/export-queue.ts';
import { reportLostSpans } from '../../src/monitoring/traces/lost-spans.ts';
import { createServer } from '../../src/server/create-server.ts';
import { password } from '../support/api.ts';
import { emptyDatabase, isPostgresql, temporaryFolder } from '../support/database.ts';
import { type ReceivedSpan, type Receiver, startReceiver } from '../support/otlp.ts';
import { freePort } from '../support/ports.ts';

const proxy = '10.0.0.1';
const stranger = '198.51.100.7';

/** Starts a server that sends its traces to a receiver. They arrive when it stops, at the latest. */
async function start(receiver: Pick<Receiver, 'url'>, env: Record<string, string> = {}) {
  const url = await emptyDatabase();
  const mailFolder = await temporaryFolder();
  const reports: unknown[] = [];
  const server = await createServer({
    env: {
      DATABASE_URL: url,
      MAIL_FOLDER: mailFolder,
      TRUSTED_PROXIES: '10.0.0.0/8',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      ...env,
    },
    report: (error) => reports.push(error),
  });
  onTestFinished(server.stop);
  const send = (path: string, init: RequestInit = {}, peer = stranger) =>
    server.fetch(new Request(`http://localhost:4000${path}`, init), peer);
  const ask = async (query: string, headers: Record<string, string> = {}, peer = stranger) => {
    const body = JSON.stringify({ query });
    return send(
      '/graphql',
      { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body },
      peer,
    );
  };
  return { url, mailFolder, reports, send, ask, stop: server.stop };
}

const signUp = (email: string) =>
  `mutation SignUp { signUp(email: "${email}", password: "${password}", transport: BEARER) {
    ... on SignInPayload { token } } }`;

const tokenOf = async (answer: Response) => (await answer.json()).data.signUp.token as string;

const rootsOf = (spans: ReceivedSpan[]) => spans.filter(({ kind }) => kind === 2);
const childrenOf = (spans: ReceivedSpan[], { spanId }: ReceivedSpan) =>
  spans.filter(({ parentSpanId }) => parentSpanId === spanId);
const namesOf = (spans: ReceivedSpan[]) => spans.map(({ name }) => name);

describe('traces', () => {
  it('have a span for each request, and in it one for each step of the database and of hashing', async () => {
    const receiver = await startReceiver();
    const { url, ask, stop } = await start(receiver);
    const answer = await ask(signUp('ada@example.com'));
    await stop();
    const [root, ...others] = rootsOf(receiver.spans);
    if (!root) throw new Error('There is no span of the request.');
    expect(others).toEqual([]);
    expect(root).toMatchObject({ name: 'mutation', parentSpanId: '', isError: false });
    expect(root.attributes).toEqual({
      'graphql.operation.type': 'mutation',
      'graphql.operation.name': 'SignUp',
      'http.request.method': 'POST',
      'http.route': '/graphql',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'url.path': '/graphql',
      'graphql_sessions.request.id': answer.headers.get('x-request-id'),
    });
    const children = childrenOf(receiver.spans, root);
    const system = isPostgresql(url) ? 'postgresql' : 'sqlite';
    const expected = ['password hash', 'database begin', 'database statement'];
    expect(namesOf(children)).toEqual(expect.arrayContaining(expected));
    if (system === 'sqlite') expect(namesOf(children)).toContain('database commit');
    for (const child of children) {
      expect(child.traceId).toBe(root.traceId);
      expect(child.start, child.name).toBeGreaterThanOrEqual(root.start);
      expect(child.end, child.name).toBeGreaterThanOrEqual(child.start);
      expect(child.end, child.name).toBeLessThanOrEqual(root.end);
      const isDatabase = child.name.startsWith('database');
      expect(child.attributes).toEqual(isDatabase ? { 'db.system.name': system } : {});
      expect(child.kind).toBe(isDatabase ? 3 : 1);
    }
    expect(receiver.resource).toMatchObject({ 'service.name': 'graphql-sessions', 'telemetry.sdk.language': 'nodejs' });
    expect(receiver.posts[0]).toMatchObject({
      path: '/v1/traces',
      headers: { 'content-type': 'application/x-protobuf' },
    });
  });

  it('keep the steps of concurrent requests apart, also of requests that share a read', async () => {
    const receiver = await startReceiver();
    const { url, ask, stop } = await start(receiver);
    const emails = ['a@example.com', 'b@example.com', 'c@example.com'];
    const tokens = await Promise.all(emails.map(async (email) => tokenOf(await ask(signUp(email)))));
    const viewer = (token: string) => ask('query Viewer { viewer { id } }', { authorization: `Bearer ${token}` });
    await Promise.all(tokens.map(viewer));
    await stop();
    const roots = rootsOf(receiver.spans);
    const signUps = roots.filter(({ name }) => name === 'mutation');
    expect(signUps.length).toBe(3);
    for (const root of signUps) {
      const names = namesOf(childrenOf(receiver.spans, root));
      expect(names.filter((name) => name === 'password hash')).toEqual(['password hash']);
    }
    const reads = roots.filter(({ name }) => name === 'query').map((root) => childrenOf(receiver.spans, root));
    const shared = { name: 'database read', attributes: { 'graphql_sessions.shared': true } };
    const expected = isPostgresql(url) ? [expect.objectContaining({ name: shared.name })] : [];
    expect(reads).toEqual([expected, expected, expected]);
    if (isPostgresql(url)) expect(reads.flat()[0]).toMatchObject(shared);
    const roots3 = new Set(roots.map(({ spanId }) => spanId));
    const strays = receiver.spans.filter(({ kind, parentSpanId, name }) => {
      return kind !== 2 && !roots3.has(parentSpanId) && name !== 'mail send';
    });
    expect(strays).toEqual([]);
  });

  it('name other requests by method and route, and tell refusals and failures', async () => {
    const receiver = await startReceiver();
    const { ask, send, stop } = await start(receiver);
    await ask('{ users { totalCount } }');
    await ask('{ nothing }');
    await send('/a/path/of/a/client');
    await send('/.well-known/oauth-authorization-server');
    await send('/graphql', { method: 'PROPFIND' });
    await stop();
    const found = rootsOf(receiver.spans).map(({ name, attributes, isError }) => [
      name,
      attributes['http.route'],
      attributes['error.type'],
      isError,
    ]);
    expect(found).toEqual([
      ['query', '/graphql', 'UNAUTHENTICATED', false],
      ['POST /graphql', '/graphql', 'GRAPHQL_VALIDATION_FAILED', false],
      ['GET', undefined, 'BAD_REQUEST', false],
      ['GET /.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server', undefined, false],
      ['HTTP /graphql', '/graphql', 'BAD_REQUEST', false],
    ]);
    expect(Buffer.concat(receiver.posts.map(({ body }) => body)).toString('latin1')).not.toMatch(/a\/client|PROPFIND/);
  });

  it('have none for probes', async () => {
    const receiver = await startReceiver();
    const { send, stop } = await start(receiver);
    expect((await send('/health')).status).toBe(200);
    expect((await send('/ready?x')).status).toBe(200);
    await stop();
    expect(receiver.spans).toEqual([]);
  });

  it('have one of its own for each mail', async () => {
    const receiver = await startReceiver();
    const { ask, mailFolder, stop } = await start(receiver);
    await ask(signUp('ada@example.com'));
    await expect.poll(() => readdir(mailFolder)).not.toEqual([]);
    await stop();
    const [mail] = receiver.spans.filter(({ name }) => name === 'mail send');
    expect(mail).toMatchObject({ parentSpanId: '', kind: 3, isError: false });
    expect(mail?.attributes).toEqual({ 'graphql_sessions.mail.template': 'verify-email' });
    expect(rootsOf(receiver.spans).map(({ traceId }) => traceId)).not.toContain(mail?.traceId);
  });
});

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${parentId}-01`;

describe('traceparent', () => {
  it('of a trusted proxy continues its trace', async () => {
    const receiver = await startReceiver();
    const { ask, stop } = await start(receiver);
    await ask('{ __typename }', { traceparent, tracestate: 'vendor=1' }, proxy);
    // A later version may have further fields (W3C Trace Context, section 3.2.4).
    await ask('{ __typename }', { traceparent: `01-${traceId}-${parentId}-01-more` }, proxy);
    await stop();
    expect(receiver.spans.length).toBe(2);
    for (const span of receiver.spans) expect(span).toMatchObject({ traceId, parentSpanId: parentId });
    expect(receiver.spans[0]?.traceState).toBe('vendor=1');
  });

  it('of a stranger has no effect: neither its trace nor its wish to be traced', async () => {
    const receiver = await startReceiver();
    const { ask, stop } = await start(receiver);
    await ask('{ __typename }', { traceparent, tracestate: 'vendor=1' });
    await stop();
    expect(receiver.spans).toMatchObject([{ parentSpanId: '', traceState: '' }]);
    expect(receiver.spans[0]?.traceId).not.toBe(traceId);
  });

  it.each(['parentbased_always_off', 'parentbased_traceidratio'])(
    'decides with the sampler %s for trusted proxies only',
    async (sampler) => {
      const receiver = await startReceiver();
      const settings = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: '0' };
      const { ask, stop } = await start(receiver, settings);
      await ask('{ __typename }', { traceparent });
      await ask('{ __typename }', { traceparent: traceparent.replace(/01$/, '00') }, proxy);
      await ask('{ __typename }', { traceparent }, proxy);
      await stop();
      expect(receiver.spans).toMatchObject([{ traceId, parentSpanId: parentId }]);
    },
  );

  it.each([
    ['another form', 'x'],
    ['capital letters', traceparent.toUpperCase()],
    ['an empty trace', `00-${'0'.repeat(32)}-${parentId}-01`],
    ['an empty parent', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['an invalid version', traceparent.replace(/^00/, 'ff')],
    ['further fields in this version', `${traceparent}-more`],
    ['too short an id', traceparent.replace('4bf9', '')],
    ['two values', `${traceparent}, ${traceparent}`],
  ])('is ignored with %s', async (_name, text) => {
    const receiver = await startReceiver();
    const { ask, stop } = await start(receiver);
    expect((await ask('{ __typename }', { traceparent: text }, proxy)).status).toBe(200);
    await stop();
    expect(receiver.spans).toMatchObject([{ parentSpanId: '' }]);
    expect(receiver.spans[0]?.traceId).not.toBe(traceId);
  });

  it('comes with a tracestate of 512 characters at most', async () => {
    const receiver = await startReceiver();
    const { ask, stop } = await start(receiver);
    await ask(
      '{ __typename }',
      { traceparent, tracestate: `a=${'x'.repeat(250)},b=${'y'.repeat(250)},c=1,d=2` },
      proxy,
    );
    await ask('{ __typename }', { traceparent, tracestate: `a=${'x'.repeat(5_000)}` }, proxy);
    await stop();
    expect(receiver.spans.length).toBe(2);
    for (const { traceState } of receiver.spans) expect(traceState.length).toBeLessThanOrEqual(512);
  });
});

describe('export of traces', () => {
  it('follows the settings: headers, JSON, compression, the service', async () => {
    const receiver = await startReceiver();
    const { ask, stop } = await start(receiver, {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/somewhere`,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20secret, x-team = a%2Cb',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_SERVICE_NAME: 'accounts',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging,service.name=other',
    });
    await ask('{ __typename }');
    await stop();
    expect(receiver.spans.length).toBe(1);
    expect(receiver.posts).toMatchObject([
      {
        path: '/somewhere',
        headers: {
          authorization: 'Bearer secret',
          'x-team': 'a,b',
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
      },
    ]);
    expect(receiver.resource).toMatchObject({
      'service.name': 'accounts',
      'deployment.environment.name': 'staging',
    });
  });

  it.each([{ OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' }, { OTEL_TRACES_SAMPLER: 'always_off' }])(
    'is off with %o',
    async (settings) => {
      const receiver = await startReceiver();
      const { ask, stop } = await start(receiver, settings);
      await ask('{ __typename }');
      await stop();
      expect(receiver.posts).toEqual([]);
    },
  );

  it.each([
    ['does not answer', () => {}, 'it did not answer in time'],
    ['refuses', (response: ServerResponse) => response.writeHead(401).end(), 'it answered 401'],
    [
      'leads elsewhere',
      (response: ServerResponse) => response.writeHead(307, { location: '/' }).end(),
      'it answered 307',
    ],
  ])('neither fails requests nor keeps the server from stopping if the receiver %s', async (_name, answer, reason) => {
    const receiver = await startReceiver(answer);
    const { ask, stop, reports } = await start(receiver, { OTEL_EXPORTER_OTLP_TIMEOUT: '60000' });
    for (let n = 0; n < 3; n += 1) expect((await ask('{ __typename }')).status).toBe(200);
    const began = performance.now();
    await stop();
    expect(performance.now() - began).toBeLessThan(30_000);
    const notices = reports.filter((report) => report instanceof OperatorNotice).map(({ message }) => message);
    expect(notices).toEqual([expect.stringMatching(/^Traces cannot be sent to 127\.0\.0\.1:\d+: .*3 spans were lost/)]);
    expect(notices[0]).toContain(reason);
  });

  it('tells the operator if there is no receiver', async () => {
    const port = await freePort();
    const { ask, stop, reports } = await start({ url: `http://127.0.0.1:${port}` });
    await ask('{ __typename }');
    await stop();
    expect(reports.map(String)).toEqual([
      `Error: Traces cannot be sent to 127.0.0.1:${port}: ECONNREFUSED. 1 span was lost. Requests do not wait for traces.`,
    ]);
  });

  it('reports lost spans at once, and then counts them for a minute', () => {
    const messages: string[] = [];
    const lost = reportLostSpans('collector:4318', (error) => messages.push(String(error)));
    for (const count of [512, 1, 512]) lost.add(count, 'it answered 503');
    expect(messages).toEqual([expect.stringContaining('it answered 503. 512 spans were lost')]);
    lost.tell();
    lost.tell();
    expect(messages.slice(1)).toEqual([expect.stringContaining('513 spans were lost')]);
  });

  it('keeps a bounded number of spans while the receiver is too slow', async () => {
    let lost = 0;
    const sending = Promise.withResolvers<null>();
    const batches: number[] = [];
    const transport = {
      send: (spans: unknown[]) => {
        batches.push(spans.length);
        return sending.promise;
      },
      stop: () => sending.resolve(null),
    };
    const queue = new ExportQueue(transport, (count) => {
      lost += count;
    });
    // The queue does not look at a span.
    const span = {} as Parameters<ExportQueue['onEnd']>[0];
    const all = 10_000;
    for (let n = 0; n < all; n += 1) queue.onEnd(span);
    expect(batches).toEqual([512]);
    expect(lost).toBe(all - maxWaiting - 512);
    sending.resolve(null);
    await queue.shutdown();
    expect(batches.reduce((sum, size) => sum + size)).toBe(all - lost);
    queue.onEnd(span);
    expect(lost).toBe(all - maxWaiting - 512);
  });
});
