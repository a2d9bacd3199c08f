import { copyFile } from 'node:fs/promises';
import { request as send } from 'node:http';
import fc from 'fast-check';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { type Config, readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { type App, createApp } from '../../src/http/app.ts';
import { mediaTypeFor } from '../../src/http/fast-path.ts';
import { listen } from '../../src/http/server.ts';
import { hashToken } from '../../src/tokens/token.ts';
import { password, startApi } from '../support/api.ts';
import { emptyDatabase } from '../support/database.ts';

type Sent = { method: string; path: string; headers: Record<string, string>; body: string; isChunked: boolean };
type Received = { status: number | undefined; headers: Record<string, unknown>; body: string };

const serviceKey = 'the key of a service';
const config: Config = {
  ...readConfig({}),
  graphiql: false,
  allowedOrigins: new Set(['https://app.example.com']),
  hashedServiceKeys: [hashToken(serviceKey)],
};

/** A server of an app, with or without its fast path. Counts what the fast path answered. */
async function serve(url: string, now: () => Date, isFast: boolean) {
  const database = await openDatabase(url);
  onTestFinished(() => database.$disconnect());
  const reported: unknown[] = [];
  const app = createApp({ database, config, now, report: (error) => reported.push(error) });
  let answered = 0;
  const fastPath: App['fastPath'] = {
    takes: (request) => isFast && app.fastPath.takes(request),
    async answer(...given) {
      const answer = await app.fastPath.answer(...given);
      if (answer) answered += 1;
      return answer;
    },
  };
  const { port, stop } = await listen({ ...app, fastPath }, { host: '127.0.0.1', port: 0 });
  onTestFinished(stop);
  const ask = ({ method, path, headers, body, isChunked }: Sent) =>
    new Promise<Received>((resolve, reject) => {
      const length = isChunked ? {} : { 'content-length': Buffer.byteLength(body) };
      const all = { host: 'localhost:4000', ...headers, ...length };
      const request = send({ host: '127.0.0.1', port, method, path, headers: all, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          // When it was sent, and how its end is found, may differ.
          const { date: _, 'content-length': __, 'transfer-encoding': ___, ...rest } = response.headers;
          resolve({ status: response.statusCode, headers: rest, body: Buffer.concat(chunks).toString() });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  return { ask, reported, answered: () => answered };
}

/** What is made anew by each server, by its shape. */
function withoutSecrets({ status, headers, body }: Received) {
  const plain = (text: string) =>
    text.replace(/\b[0-9a-f]{32}\b/g, '<handle>').replace(/(?<![\w-])[\w-]{43}(?![\w-])/g, '<secret>');
  return JSON.parse(plain(JSON.stringify({ status, headers, body })));
}

/** Two servers on two databases that hold the same, one of them with the fast path, and the credentials of each. */
async function twoServers() {
  const url = await emptyDatabase();
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
  await copyFile(api.url.replace('file:', ''), url.replace('file:', ''));
  const now = () => api.clock.now;
  const [fast, usual] = [await serve(api.url, now, true), await serve(url, now, false)];
  return { fast, usual, ada, grace, root, over, late };
}

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
  'mutation { setPublicData(data: { a: [1, null, "é\\u2028"] }) { ... on SetDataPayload { session { publicData } } } }',
  'mutation ($id: ID!) { revoke(id: $id) { __typename ... on UserError { code message } } }',
  'mutation { login(email: "nobody@example.com", password: "not the password at all") { __typename } }',
  `mutation { login(email: "grace@example.com", password: "${password}") { ... on LoginSuccess { deviceToken } } }`,
  `mutation { login(email: "grace@example.com", password: "${password}", transport: BEARER) {
    ... on LoginSuccess { token deviceToken } } }`,
  'mutation { logout { revokedSessionId } }',
  'subscription { viewer { id } }',
  'subscription { nothing }',
  `{ ${'viewer { id } '.repeat(301)} }`,
  `{ ${'a '.repeat(2_100)} }`,
  `{ viewer { sessions { user { sessions { user { sessions { user { id } } } } } } } }`,
];

/** In one of so many requests. */
const onceIn = <T>(requests: number, value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: requests - 1, arbitrary: fc.constant(undefined) }, value);

const sometimes = <T>(value: fc.Arbitrary<T>) => onceIn(3, value);

const variables = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>({ id: 'VXNlcjox' }, { id: 'U2Vzc2lvbjox' }, { yes: true }, {}) },
  fc.constantFrom<unknown>(null, [], 'x', 1, { id: null }, { id: [] }, { n: 'three' }, { n: 1e99 }, { yes: 0 }),
);

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
        extensions: onceIn(9, fc.constantFrom<unknown>({}, null, { a: 1 }, [], 'x')),
        surplus: onceIn(9, fc.constantFrom<unknown>(null, 1)),
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
        fc.constantFrom(
          'LOCALHOST',
          '127.0.0.1:4000',
          'a.localhost',
          'evil.example',
          'app.example.com',
          'a b',
          '',
          '[::1]:1',
        ),
      ),
      origin: sometimes(
        fc.constantFrom(
          'https://app.example.com',
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
      'user-agent': sometimes(fc.constantFrom('curl/8.5.0', 'x'.repeat(900))),
    },
    { requiredKeys: ['content-type'] },
  );

describe('a request by the fast path', () => {
  it('has the same answer as by the usual one, whatever it is', async () => {
    const { fast, usual, ada, grace, root, over, late } = await twoServers();
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
      method: fc.oneof({ weight: 12, arbitrary: fc.constant('POST') }, fc.constant('PUT')),
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
    const runs = inject('isShort') ? 200 : 1_500;
    await fc.assert(
      fc.asyncProperty(anyRequest, async (sent) => {
        const [one, other] = [await fast.ask(sent), await usual.ask(sent)];
        expect(withoutSecrets(one)).toEqual(withoutSecrets(other));
      }),
      { numRuns: runs, endOnFailure: true },
    );
    // About two fifths do. A fifth is far below what chance makes of that.
    expect(fast.answered()).toBeGreaterThan(runs / 5);
    expect(usual.answered()).toBe(0);
    expect([fast.reported, usual.reported]).toEqual([[], []]);
  });

  it('sends each of many that come at once its own answer', async () => {
    const { fast, ada, grace, root } = await twoServers();
    const clients = [
      { headers: { authorization: `Bearer ${ada.token}` }, email: 'ada@example.com' },
      { headers: { cookie: `${grace.cookie}` }, email: 'grace@example.com' },
      { headers: { authorization: `Bearer ${root.token}` }, email: 'root@example.com' },
      { headers: {}, email: undefined },
    ];
    const answers = Array.from({ length: 200 }, async (_, n) => {
      const client = clients[n % clients.length];
      const sent = { method: 'POST', path: '/graphql', isChunked: false, body: '{"query":"{ viewer { email } }"}' };
      const { body: text } = await fast.ask({
        ...sent,
        headers: { 'content-type': 'application/json', ...client?.headers },
      });
      expect(JSON.parse(text).data.viewer?.email).toBe(client?.email);
    });
    await Promise.all(answers);
    expect(fast.answered()).toBe(200);
  });
});

describe('the media type of an answer', () => {
  it.each([
    [undefined, 'application/json'],
    ['*/*', 'application/json'],
    ['application/graphql-response+json', 'application/graphql-response+json'],
    ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['text/event-stream', null],
  ])('for %s is %s', (accept, mediaType) => {
    expect(mediaTypeFor(accept)).toBe(mediaType);
  });
});
