/** @module-tag repeated */
import { copyFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import fc from 'fast-check';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type Config, readConfig } from '../../src/config/config.ts';
import type { TrustedDocumentsMode } from '../../src/config/graphql/trusted-documents.ts';
import { openDatabase } from '../../src/database/database.ts';
import { isJson } from '../../src/http/body.ts';
import { type App, type AppOptions, createApp } from '../../src/http/front-door.ts';
import { cookiesFor } from '../../src/http/request/cookies.ts';
import { isFromForeignSite } from '../../src/http/request/cross-site.ts';
import { RequestCaller } from '../../src/http/routes/caller.ts';
import { mediaTypeFor } from '../../src/http/routes/media-type.ts';
import { createGraphQL, serverContext } from '../../src/http/routes/yoga.ts';
import { listen } from '../../src/http/server.ts';
import { newRequestFacts } from '../../src/log/request-facts.ts';
import { hashToken } from '../../src/tokens/token.ts';
import { openTrustedDocuments } from '../../src/trusted-documents/trusted-documents.ts';
import { password, startApi } from '../support/api.ts';
import { emptyDatabase } from '../support/database.ts';
import { apolloId, documents, presetId, relayId, trusting } from '../support/manifests.ts';

type Sent = { method: string; path: string; headers: Record<string, string>; body: string; isChunked: boolean };
type Received = { status: number | undefined; headers: Record<string, unknown>; body: string };

const serviceKey = 'the key of a service';
const allowedOrigin = 'https://app.example.com';
const config: Config = {
  ...readConfig({}),
  graphiql: false,
  allowedOrigins: new Set([allowedOrigin]),
  allowedHeaders: ['traceparent'],
  hashedServiceKeys: [hashToken(serviceKey)],
};

/** Creates an app with its own database. */
async function open(url: string, now: () => Date, mode: TrustedDocumentsMode) {
  const database = await openDatabase(url);
  onTestFinished(() => database.$disconnect());
  const reported: unknown[] = [];
  const report = (error: unknown) => reported.push(error);
  const trustedDocuments = await openTrustedDocuments(trusting(mode).trustedDocuments, report);
  const options: AppOptions = { database, config, now, trustedDocuments, report };
  return { options, app: createApp(options), reported };
}

/** The headers that may differ: the time, and the framing of the body. */
function comparable({ date: _, connection: __, 'keep-alive': ___, ...headers }: Record<string, unknown>) {
  const { 'content-length': ____, 'transfer-encoding': _____, ...rest } = headers;
  return rest;
}

/** Sends requests to an app over a socket. */
async function overNode(app: App) {
  const { port, stop } = await listen(app, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  return ({ method, path, headers, body, isChunked }: Sent) =>
    new Promise<Received>((resolve, reject) => {
      // Named, because Node adds no framing to the body of an OPTIONS.
      const framing = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': Buffer.byteLength(body) };
      const all = { host: 'localhost:4000', ...headers, ...framing };
      const request = send({ host: '127.0.0.1', port, method, path, headers: all, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode, headers: comparable(response.headers), body: text });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
}

function toRequest({ method, path, headers, body }: Sent): Request {
  return new Request(`http://localhost:4000${path}`, { method, headers: { host: 'localhost:4000', ...headers }, body });
}

async function toReceived(response: Response): Promise<Received> {
  const cookies = response.headers.getSetCookie();
  const headers = { ...Object.fromEntries(response.headers), ...(cookies.length > 0 ? { 'set-cookie': cookies } : {}) };
  return { status: response.status, headers: comparable(headers), body: await response.text() };
}

/** Returns the answer of Yoga's own HTTP layer. */
async function overYoga({ config, ...options }: AppOptions) {
  const cookies = cookiesFor(config);
  const yoga = createGraphQL({ ...options, config, path: '/graphql' });
  return async (sent: Sent): Promise<Received> => {
    const request = toRequest({ ...sent, headers: { ...sent.headers, 'content-type': 'application/json' } });
    const arrival = { headers: request.headers, peer: null, now: options.now?.() ?? new Date() };
    const caller = new RequestCaller(arrival, cookies, config, null);
    return toReceived(
      await yoga.fetch(
        request,
        serverContext(options.database, { caller, facts: newRequestFacts('none'), receiver: null }),
      ),
    );
  };
}

function hasOurHost({ host = 'localhost:4000' }: Record<string, string>): boolean {
  return /^(localhost|127\.0\.0\.1|.*\.localhost|\[::1\])(:\d+)?$/i.test(host);
}

/**
 * Returns whether a request reaches its operation: each must, on all servers or on none, or their data would differ.
 */
function isPlain({ method, path, headers, body }: Sent): boolean {
  const get = (name: string) => headers[name] ?? (name === 'host' ? 'localhost:4000' : null);
  if (method !== 'POST' || path.split('?')[0] !== '/graphql' || !isJson(get('content-type'))) return false;
  if ((get('content-encoding') ?? 'identity') !== 'identity' || isFromForeignSite({ get }, config)) return false;
  if (!hasOurHost(headers)) return false;
  const accept = get('accept');
  return mediaTypeFor(accept) !== null && /^\{.*\}$/s.test(body);
}

/** Returns the headers of an answer that decide about pages of other origins. */
function crossOriginHeaders({ headers }: Received) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')));
}

/** Returns the same headers as they must be. A preflight of a foreign origin is refused. */
function expectedCrossOriginHeaders({ method, headers }: Sent, { status }: Received): Record<string, unknown> {
  const isPreflight = method === 'OPTIONS' && status === 204;
  return {
    ...(headers.origin === allowedOrigin && {
      'access-control-allow-origin': allowedOrigin,
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'retry-after, x-request-id',
    }),
    ...(isPreflight && {
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': expect.stringMatching(/, traceparent$/),
      'access-control-max-age': '7200',
    }),
  };
}

/** Replaces values that each server generates by their kind. */
function withoutSecrets({ status, headers, body }: Received) {
  const plain = (text: string) =>
    text.replace(/(?<![0-9a-f])[0-9a-f]{32}\b/g, '<handle>').replace(/(?<![\w-])[\w-]{43}(?![\w-])/g, '<secret>');
  return JSON.parse(plain(JSON.stringify({ status, headers, body })));
}

/** Returns three adapters of one server, on three equal databases, and the credentials for all. */
async function threeWays(mode: TrustedDocumentsMode = 'off') {
  const api = await startApi({ ...config });
  const ada = await api.signUp('ada@example.com', 'BEARER');
  const grace = await api.signUp('grace@example.com', 'COOKIE');
  const root = await api.signUp('root@example.com', 'BEARER');
  const over = await api.signUp('over@example.com', 'BEARER');
  await over.ask('mutation { logout { revokedSessionId } }');
  const replaced = await api.signUp('replaced@example.com', 'BEARER');
  const late = { token: replaced.token };
  await replaced.act('reauthenticate', { password });
  await api.database.user.update({ where: { email: 'root@example.com' }, data: { role: 'admin' } });
  await api.database.$executeRawUnsafe('PRAGMA wal_checkpoint(TRUNCATE)');
  const now = () => api.clock.now;
  const opened = [];
  for (let copy = 0; copy < 3; copy += 1) {
    const url = await emptyDatabase();
    await copyFile(api.url.replace('file:', ''), url.replace('file:', ''));
    opened.push(await open(url, now, mode));
  }
  const [one, other, third] = opened as [Opened, Opened, Opened];
  return {
    node: await overNode(one.app),
    web: async (sent: Sent) => toReceived(await other.app.fetch(toRequest(sent), '127.0.0.1')),
    yoga: await overYoga(third.options),
    reported: opened.flatMap(({ reported }) => reported),
    credentials: { ada, grace, root, over, late },
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

const operations = [
  '{ __typename }',
  '{ currentSession { handle expiresAt user { id email role name } } }',
  'query A { viewer { email } } query B { currentSession { state isCurrent antiCSRFToken } }',
  'query A($id: ID!) { node(id: $id) { __typename id ... on User { email sessions { id } } } }',
  'query A($n: Int = 2, $ids: [ID!] = ["VXNlcjox"]) { users(first: $n) { nodes { email } } nodes(ids: $ids) { id } }',
  '{ a: viewer { ...F } b: viewer { ...F sessions { user { name } } } } fragment F on User { id name }',
  'query ($yes: Boolean!) { viewer @include(if: $yes) { id } __typename @skip(if: $yes) }',
  '{ __schema { queryType { name } mutationType { fields { name } } } }',
  '{ currentSession { privateData } }',
  '{ users(after: "nonsense") { totalCount } }',
  '{ nothing { here } }',
  '{ viewer { id ',
  '',
  '{ viewer { id } viewer { email: name } }',
  'mutation { startSession(transport: BEARER) { session { handle state } token } }',
  'mutation { setPublicData(data: { a: [1, null, "é\\u2028"] }) { ... on SessionDataPayload { session { publicData } } } }',
  'mutation ($id: ID!) { revoke(id: $id) { __typename ... on UserError { code message } } }',
  'mutation { login(email: "nobody@example.com", password: "not the password at all") { __typename } }',
  `mutation { login(email: "grace@example.com", password: "${password}") { ... on SignInPayload { deviceToken } } }`,
  `mutation { login(email: "grace@example.com", password: "${password}", transport: BEARER) {
    ... on SignInPayload { token deviceToken } } }`,
  'mutation { logout { revokedSessionId } }',
  'subscription { viewer { id } }',
  'subscription { nothing }',
  `{ ${'viewer { id } '.repeat(301)} }`,
  `{ ${'a '.repeat(2_100)} }`,
  `{ viewer { sessions { user { sessions { user { sessions { user { id } } } } } } } }`,
];

/** Returns a value in one of this number of requests. */
const onceIn = <T>(requests: number, value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: requests - 1, arbitrary: fc.constant(undefined) }, value);

const sometimes = <T>(value: fc.Arbitrary<T>) => onceIn(3, value);

const variables = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>({ id: 'VXNlcjox' }, { id: 'U2Vzc2lvbjox' }, { yes: true }, {}) },
  fc.constantFrom<unknown>(null, [], 'x', 1, { id: null }, { id: [] }, { n: 'three' }, { n: 1e99 }, { yes: 0 }),
);

/** Returns extensions with a hash, as Apollo's clients send them. */
const apollo = (sha256Hash: unknown) => ({ persistedQuery: { version: 1, sha256Hash } });

const body = fc.oneof(
  {
    weight: 9,
    arbitrary: fc
      .record({
        query: fc.oneof(
          { weight: 20, arbitrary: fc.constantFrom(...operations) },
          fc.constantFrom<unknown>(null, 7, []),
        ),
        variables: sometimes(variables),
        operationName: sometimes(fc.constantFrom<unknown>('A', 'B', 'A', 'B', 'C', '', null, 3, {})),
        documentId: onceIn(9, fc.constantFrom<unknown>(relayId, null, 'unknown', 7)),
        extensions: onceIn(9, fc.constantFrom<unknown>({}, null, { a: 1 }, [], 'x', apollo(relayId), apollo(7))),
        surplus: onceIn(9, fc.constantFrom<unknown>(null, 1)),
      })
      .map((params) => JSON.stringify(params)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        documentId: sometimes(fc.constantFrom<unknown>(relayId, presetId, apolloId, '__proto__', '', 7)),
        extensions: sometimes(
          fc.constantFrom<unknown>(apollo(relayId), apollo(apolloId), apollo('unknown'), apollo([])),
        ),
        query: onceIn(9, fc.constantFrom<unknown>(null, documents.viewer, '')),
        variables: sometimes(variables),
        operationName: onceIn(9, fc.constantFrom<unknown>('Node', 'A', null)),
      })
      .map((params) => JSON.stringify(params)),
  },
  fc.constantFrom(
    '',
    ' ',
    '[]',
    '[{"query":"{ __typename }"}]',
    'null',
    '"x"',
    '{',
    '\ufeff{"query":"{ __typename }"}',
  ),
  fc.constantFrom('{"query":"{ __typename }","query":"{ viewer { id } }"}', '{"__proto__":{"query":"{ __typename }"}}'),
);

const headersWith = (tokens: { bearer: string[]; cookie: string[]; antiCSRF: string[]; device: string[] }) =>
  fc.record(
    {
      'content-type': fc.oneof(
        { weight: 12, arbitrary: fc.constant('application/json') },
        fc.constantFrom(
          'application/json; charset=UTF-8',
          'Application/JSON ;charset="utf-8"',
          'application/json; a=b',
        ),
        fc.constantFrom(
          'text/plain',
          'application/json; charset=latin1',
          'a;/json',
          'application/graphql-response+json',
        ),
        fc.constantFrom('application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''),
      ),
      accept: sometimes(
        fc.oneof(
          fc.constantFrom('*/*', 'application/json', 'application/graphql-response+json', 'application/*', 'text/html'),
          fc.constantFrom(
            'application/graphql-response+json, application/json;q=0.9',
            'application/json;charset=utf-8',
          ),
          fc.constantFrom(
            'text/event-stream',
            'multipart/mixed',
            'application/json, text/event-stream',
            'nonsense',
            '',
          ),
          fc.constantFrom('application/json; charset=latin1, */*', 'APPLICATION/JSON', 'text/*, application/json'),
        ),
      ),
      'content-encoding': onceIn(12, fc.constantFrom('gzip', 'identity')),
      authorization: sometimes(fc.constantFrom(...tokens.bearer, 'Bearer nonsense', 'Basic eA==', 'bearer  x y')),
      cookie: sometimes(fc.constantFrom(...tokens.cookie, 'session=', 'session=a; session=b', 'other=1')),
      'anti-csrf': sometimes(fc.constantFrom(...tokens.antiCSRF, 'wrong', '')),
      // In place of the Host that `ask` sends.
      host: onceIn(
        9,
        fc.constantFrom('LOCALHOST', '127.0.0.1:4000', 'a.localhost', 'evil.example', 'app.example.com', '[::1]:1'),
      ),
      origin: sometimes(
        fc.constantFrom(
          allowedOrigin,
          'http://localhost:4000',
          'https://localhost:4000',
          'https://evil.example',
          'http://127.0.0.1:4000',
          'null',
        ),
      ),
      'sec-fetch-site': sometimes(fc.constantFrom('same-origin', 'none', 'same-site', 'cross-site')),
      'x-device-token': onceIn(9, fc.constantFrom(...tokens.device, 'wrong')),
      'x-service-key': sometimes(fc.constantFrom(serviceKey, 'wrong')),
      traceparent: onceIn(9, fc.constant(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)),
      'user-agent': sometimes(fc.constantFrom('curl/8.5.0', 'x'.repeat(900))),
    },
    { requiredKeys: ['content-type'] },
  );

describe('request', () => {
  it.each([
    ['off', 1],
    ['only', 1 / 5],
  ] as const)(
    'has the same answer over a socket, as a Request, and by Yoga itself, for generated requests, in the mode %s',
    async (mode, share) => {
      const { node, web, yoga, reported, credentials } = await threeWays(mode);
      const { ada, grace, root, over, late } = credentials;
      const anyHeaders = headersWith({
        bearer: [ada, root, over, late, ada, root].map(({ token }) => `Bearer ${token}`),
        cookie: [
          `${grace.cookie}`,
          `${grace.cookie}; ${grace.deviceCookie}`,
          `a=b; ${grace.cookie}`,
          `session=${ada.token}`,
          `session=${over.token}`,
          `session=${late.token}`,
        ],
        antiCSRF: [`${grace.antiCSRFToken}`],
        device: [`${ada.deviceToken}`, `${grace.deviceCookie}`.replace('device=', '')],
      });
      const anyRequest = fc.record({
        method: fc.oneof({ weight: 12, arbitrary: fc.constant('POST') }, fc.constantFrom('PUT', 'OPTIONS')),
        path: fc.oneof(
          { weight: 12, arbitrary: fc.constant('/graphql') },
          fc.constantFrom('/graphql?x=1', '//graphql', '/'),
        ),
        headers: anyHeaders.map((headers) =>
          Object.fromEntries(
            Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
          ),
        ),
        body,
        isChunked: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
      });
      const runs = (inject('isShort') ? 200 : 1_500) * share;
      let plain = 0;
      await fc.assert(
        fc.asyncProperty(anyRequest, async (sent) => {
          const answer = withoutSecrets(await node(sent));
          expect(withoutSecrets(await web(sent))).toEqual(answer);
          expect(crossOriginHeaders(answer)).toEqual(expectedCrossOriginHeaders(sent, answer));
          if (!isPlain(sent)) return;
          plain += 1;
          const { status, headers, body: text } = withoutSecrets(await yoga(sent));
          // Yoga itself knows no ids of requests.
          const known = answer.body.replace(/,"extensions":\{"requestId":"<handle>"\}/, '');
          expect([answer.status, answer.headers['content-type'], known]).toEqual([
            status,
            headers['content-type'],
            text,
          ]);
        }),
        { numRuns: runs, endOnFailure: true },
      );
      // About two fifths are. A fifth is far below what chance makes of that.
      expect(plain).toBeGreaterThan(runs / 5);
      expect(reported).toEqual([]);
    },
  );

  it('gets its own answer among many concurrent ones', async () => {
    const { node, credentials } = await threeWays();
    const { ada, grace, root } = credentials;
    const clients = [
      { headers: { authorization: `Bearer ${ada.token}` }, email: 'ada@example.com' },
      { headers: { cookie: `${grace.cookie}` }, email: 'grace@example.com' },
      { headers: { authorization: `Bearer ${root.token}` }, email: 'root@example.com' },
      { headers: {}, email: undefined },
    ];
    const answers = Array.from({ length: 200 }, async (_, n) => {
      const client = clients[n % clients.length];
      const sent = { method: 'POST', path: '/graphql', isChunked: false, body: '{"query":"{ viewer { email } }"}' };
      const { body: text } = await node({
        ...sent,
        headers: { 'content-type': 'application/json', ...client?.headers },
      });
      expect(JSON.parse(text).data.viewer?.email).toBe(client?.email);
    });
    await Promise.all(answers);
  });
});

describe('media type of an answer', () => {
  it.each([
    [null, 'application/json'],
    ['*/*', 'application/json'],
    ['application/graphql-response+json', 'application/graphql-response+json'],
    ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['text/event-stream', 'text/event-stream'],
    ['application/json; charset=latin1', null],
    ['multipart/mixed', null],
    ['text/html', null],
  ])('for %s is %s', (accept, mediaType) => {
    expect(mediaTypeFor(accept)).toBe(mediaType);
  });
});
