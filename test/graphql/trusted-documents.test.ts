import { hash } from 'node:crypto';
import { getIntrospectionQuery } from 'graphql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { untrustedOperations } from '../../src/diagnostics.ts';
import { OperatorNotice } from '../../src/errors.ts';
import { createApp } from '../../src/http/front-door.ts';
import { Client, type Data, startApi, type TestApi } from '../support/api.ts';
import { apolloId, documents, presetId, relayId, trusting } from '../support/manifests.ts';

const strict = 'application/graphql-response+json';

type Answer = { status: number; data: Data; code: string | undefined; message: string | undefined };

async function answerOf(api: TestApi, request: Request): Promise<Answer> {
  const response = await api.app.fetch(request);
  const { data, errors } = (await response.json()) as Data;
  return { status: response.status, data, code: errors?.[0]?.extensions?.code, message: errors?.[0]?.message };
}

/** Sends the parameters of an operation. */
function post(api: TestApi, params: object, client?: Client, headers: Record<string, string> = {}): Promise<Answer> {
  const all = { 'content-type': 'application/json', accept: strict, ...client?.headers(), ...headers };
  const url = new URL('/graphql', api.config.publicUrl);
  return answerOf(api, new Request(url, { method: 'POST', headers: all, body: JSON.stringify(params) }));
}

function get(api: TestApi, params: Record<string, string>): Promise<Answer> {
  const url = new URL(`/graphql?${new URLSearchParams(params)}`, api.config.publicUrl);
  return answerOf(api, new Request(url, { headers: { accept: strict } }));
}

/** Returns the extensions by which Apollo's clients send a hash. */
const apollo = (sha256Hash: unknown, version: unknown = 1) => ({ persistedQuery: { version, sha256Hash } });

/** Signs up at another server of the same database, which executes every document. */
async function signUp(api: TestApi, email: string, transport: 'COOKIE' | 'BEARER' = 'BEARER', role = 'user') {
  const { database, clock } = api;
  const config = { ...api.config, trustedDocuments: null };
  const client = new Client(createApp({ database, config, now: () => clock.now, report: () => {} }), config.publicUrl);
  await client.signUp(email, transport);
  await database.user.update({ where: { email }, data: { role } });
  return client;
}

/** Counts the sessions that are read. */
function countReads(api: TestApi): () => number {
  const { $findSession } = api.database;
  let count = 0;
  api.database.$findSession = (handle) => {
    count += 1;
    return $findSession(handle);
  };
  return () => count;
}

describe('a trusted document', () => {
  it.each(['off', 'report', 'only'] as const)('is executed by its id, in the mode %s', async (mode) => {
    const api = await startApi(trusting(mode));
    expect(await post(api, { documentId: relayId })).toMatchObject({ status: 200, data: { viewer: null } });
    expect(await post(api, { documentId: presetId })).toMatchObject({ data: { logout: expect.anything() } });
    const variables = { id: 'VXNlcjox' };
    const byHash = { extensions: apollo(apolloId), variables, operationName: 'Node' };
    expect(await post(api, byHash)).toMatchObject({ status: 200, data: { node: null } });
    expect(await post(api, { ...byHash, documentId: apolloId, query: null })).toMatchObject({ data: { node: null } });
    const inUrl = { variables: JSON.stringify(variables) };
    expect(await get(api, { documentId: apolloId, ...inUrl })).toMatchObject({ status: 200, data: { node: null } });
    const extensions = JSON.stringify(apollo(apolloId));
    expect(await get(api, { extensions, ...inUrl })).toMatchObject({ status: 200, data: { node: null } });
    expect(api.reported).toEqual([]);
  });

  it('has the same rules as any other: its variables, its session, its method, its anti-CSRF token', async () => {
    const api = await startApi(trusting('only'));
    expect(api.trustedDocuments?.count).toBe(3);
    expect((await post(api, { documentId: apolloId })).message).toContain('$id');
    expect(await get(api, { documentId: presetId })).toMatchObject({ status: 405 });
    const ada = await signUp(api, 'ada@example.com', 'COOKIE');
    expect(await post(api, { documentId: relayId }, ada)).toMatchObject({
      data: { viewer: { email: 'ada@example.com' } },
    });
    expect(await post(api, { documentId: presetId }, ada, { 'anti-csrf': '' })).toMatchObject({
      code: 'CSRF_TOKEN_INVALID',
    });
    expect(await post(api, { documentId: relayId, operationName: 'Other' })).toMatchObject({
      code: 'OPERATION_RESOLUTION_FAILURE',
    });
    expect(await post(api, { documentId: relayId, surplus: 1 })).toMatchObject({ code: 'BAD_REQUEST' });
  });

  it.each(['off', 'only'] as const)('is not executed beside a text, in the mode %s', async (mode) => {
    const api = await startApi(trusting(mode));
    for (const query of ['{ __typename }', documents.viewer, '', 7]) {
      expect(await post(api, { documentId: relayId, query })).toMatchObject({
        status: 400,
        code: 'CANNOT_SEND_PQ_ID_AND_BODY',
      });
    }
  });

  it('is not executed by parameters that contradict the protocol', async () => {
    const api = await startApi(trusting('off'));
    const malformed = [
      { documentId: 7 },
      { documentId: [relayId] },
      { documentId: {} },
      { documentId: relayId, extensions: apollo(apolloId) },
      { extensions: apollo(relayId, 2) },
      { extensions: apollo([relayId]) },
      { extensions: { persistedQuery: relayId } },
    ];
    for (const params of malformed) {
      expect(await post(api, params), JSON.stringify(params)).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' });
    }
    for (const params of [{}, { extensions: [] }, { extensions: 'x' }, { id: relayId }, { doc_id: relayId }]) {
      expect(await post(api, params), JSON.stringify(params)).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
    }
    expect(api.reported).toEqual([]);
  });
});

describe('an unknown id', () => {
  const ids = ['', 'unknown', '__proto__', 'constructor', 'toString', 'x'.repeat(50_000), relayId.toUpperCase()];

  it.each([
    ['off', 'PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound'],
    ['report', 'PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound'],
    // Apollo's link sends the text for the other codes and messages, which this mode would refuse.
    ['only', 'PERSISTED_QUERY_NOT_IN_LIST', 'No trusted document has this id. The application may be out of date.'],
  ] as const)('is refused in the mode %s, by %s', async (mode, code, message) => {
    const api = await startApi(trusting(mode));
    const ada = await signUp(api, 'ada@example.com');
    const reads = countReads(api);
    for (const id of ids) {
      expect(await post(api, { documentId: id }, ada)).toMatchObject({ status: 400, code });
      expect(await post(api, { extensions: apollo(id) }, ada)).toMatchObject({ status: 400, code, message });
    }
    expect(await get(api, { extensions: JSON.stringify(apollo('unknown')) })).toMatchObject({ code, message });
    expect(reads()).toBe(0);
    expect(api.reported).toEqual([]);
  });
});

describe('automatic persisted queries', () => {
  it('get the answer that makes Apollo send the text, without trusted documents', async () => {
    const api = await startApi();
    const expected = { status: 400, code: 'PERSISTED_QUERY_NOT_SUPPORTED', message: 'PersistedQueryNotSupported' };
    const extensions = apollo(hash('sha256', documents.viewer, 'hex'));
    expect(await post(api, { extensions, operationName: 'Viewer', variables: {} })).toMatchObject(expected);
    expect(await get(api, { extensions: JSON.stringify(extensions), operationName: 'Viewer' })).toMatchObject(expected);
    const code = 'PERSISTED_QUERY_NOT_SUPPORTED';
    expect(await post(api, { documentId: relayId })).toMatchObject({ status: 400, code });
    // Clients that accept only application/json drop other answers.
    expect(await post(api, { extensions }, undefined, { accept: 'application/json' })).toMatchObject({
      status: 200,
      code,
    });
  });

  it.each(['off', 'report'] as const)('are executed with their text, and not stored, in the mode %s', async (mode) => {
    const api = await startApi(trusting(mode));
    const query = '{ __typename }';
    const extensions = apollo(hash('sha256', query, 'hex'));
    for (let time = 0; time < 3; time += 1) {
      expect(await post(api, { query, extensions })).toMatchObject({ status: 200, data: { __typename: 'Query' } });
      expect(await post(api, { extensions })).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
    }
    expect(await post(api, { query, extensions: { persistedQuery: 'malformed' } })).toMatchObject({ status: 200 });
  });
});

describe('the mode only', () => {
  const texts = [
    '{ __typename }',
    documents.viewer,
    getIntrospectionQuery(),
    '{ not valid',
    '{ nothing { here } }',
    '',
    7,
  ];

  it('refuses every text, before it is parsed, and reads a session only for a token', async () => {
    const api = await startApi(trusting('only'));
    const ada = await signUp(api, 'ada@example.com');
    const reads = countReads(api);
    const refused = { status: 403, code: 'PERSISTED_QUERY_ID_REQUIRED' };
    for (const query of texts) {
      expect(await post(api, { query })).toMatchObject(refused);
      const bearer = { authorization: 'Bearer nonsense' };
      expect(await post(api, { query }, undefined, bearer)).toMatchObject(refused);
      expect(await post(api, { query, extensions: apollo(relayId) })).toMatchObject(refused);
    }
    expect(await get(api, { query: '{ __typename }' })).toMatchObject(refused);
    expect(await post(api, {})).toMatchObject(refused);
    expect(reads()).toBe(0);
    for (const query of texts) expect(await post(api, { query }, ada)).toMatchObject(refused);
    expect(reads()).toBe(texts.length);
    expect(api.reported).toEqual([]);
  });

  it('executes any document of an administrator, as GraphiQL sends it', async () => {
    const api = await startApi(trusting('only'));
    const root = await signUp(api, 'root@example.com', 'COOKIE', 'admin');
    const page = { origin: api.config.publicUrl.origin, 'sec-fetch-site': 'same-origin' };
    const reads = countReads(api);
    const ask = (query: string, headers = {}) => post(api, { query }, root, { ...page, ...headers });
    expect(await ask(getIntrospectionQuery())).toMatchObject({ status: 200, data: { __schema: expect.anything() } });
    expect(reads()).toBe(1);
    expect(await ask('{ viewer { emial } }')).toMatchObject({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
    const change = 'mutation { updateProfile(name: "Root") { __typename } }';
    expect(await ask(change, { 'anti-csrf': '' })).toMatchObject({ status: 403, code: 'CSRF_TOKEN_INVALID' });
    expect(await ask(change)).toMatchObject({ status: 200, data: { updateProfile: { __typename: 'ViewerPayload' } } });
    const bearer = await signUp(api, 'other@example.com', 'BEARER', 'admin');
    expect(await post(api, { query: '{ __typename }' }, bearer)).toMatchObject({ status: 200 });
    await api.database.session.updateMany({ data: { hashedSessionToken: null, expiresAt: new Date(0) } });
    expect(await ask('{ __typename }')).toMatchObject({ status: 403, code: 'PERSISTED_QUERY_ID_REQUIRED' });
    expect(api.reported).toEqual([]);
  });

  it('executes no other document of an administrator on a page of an application or of a stranger', async () => {
    const origin = 'https://app.example.com';
    const api = await startApi({ ...trusting('only'), allowedOrigins: new Set([origin]) });
    const root = await signUp(api, 'root@example.com', 'COOKIE', 'admin');
    const from = (headers: Record<string, string>) => post(api, { query: '{ viewer { email } }' }, root, headers);
    const page = { origin, 'sec-fetch-site': 'same-site' };
    expect(await from(page)).toMatchObject({ status: 403, code: 'PERSISTED_QUERY_ID_REQUIRED' });
    const stranger = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect(await from(stranger)).toMatchObject({ status: 403, code: 'FORBIDDEN' });
    expect(await post(api, { documentId: relayId }, root, page)).toMatchObject({
      status: 200,
      data: { viewer: { id: expect.anything() } },
    });
  });
});

describe('the mode report', () => {
  it('executes and counts exactly the operations that the mode only would refuse', async () => {
    const api = await startApi(trusting('report'));
    const ada = await signUp(api, 'ada@example.com');
    const root = await signUp(api, 'root@example.com', 'BEARER', 'admin');
    let count = 0;
    onTestFinished(untrustedOperations.subscribe(() => (count += 1)));
    const notices = () => api.reported.map((notice) => (notice as OperatorNotice).message);
    await post(api, { documentId: relayId }, ada);
    await post(api, { query: '{ viewer { emial } }' });
    await post(api, { query: getIntrospectionQuery() }, root);
    expect([count, notices()]).toEqual([0, []]);
    const secret = 'query Mine { node(id: "c2VjcmV0") { id } }';
    for (const client of [ada, undefined])
      expect(await post(api, { query: secret }, client)).toMatchObject({ status: 200 });
    await post(api, { query: documents.viewer });
    await post(api, { query: '{ __typename }' });
    const sha = (text: string) => hash('sha256', text, 'hex');
    expect(notices()).toEqual([
      `The operation Mine is not trusted. The SHA-256 of its text is ${sha(secret)}.`,
      `The operation AppViewerQuery is trusted, but was sent as text and not by its id. The SHA-256 of its text is ${sha(documents.viewer)}.`,
      `An operation without a name is not trusted. The SHA-256 of its text is ${sha('{ __typename }')}.`,
    ]);
    expect(count).toBe(4);
    expect(api.reported.every((notice) => notice instanceof OperatorNotice)).toBe(true);
  });
});
