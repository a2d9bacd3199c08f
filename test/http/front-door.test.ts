import { describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';

const hello = JSON.stringify({ query: '{ __typename }' });
const json = { 'content-type': 'application/json' };
/** Asks for the media type in which a document that is not executed has its own status. */
const strict = { ...json, accept: 'application/graphql-response+json' };

function post(api: TestApi, body: BodyInit, headers: Record<string, string> = json, path = '/graphql') {
  const request = new Request(new URL(path, api.config.publicUrl), {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as RequestInit);
  return api.app.fetch(request);
}

function get(api: TestApi, target: string, headers: Record<string, string> = {}, method = 'GET') {
  return api.app.fetch(new Request(`${api.config.publicUrl.origin}${target}`, { method, headers }));
}

describe('paths', () => {
  it('are exact', async () => {
    const api = await startApi();
    expect((await post(api, hello)).status).toBe(200);
    const others = ['/', '/x/graphql', '//graphql', '/graphql/', '/graphql/x', '/x?y=/graphql', '/admin;/graphql'];
    for (const path of [
      ...others,
      '/x/health',
      '/x/ready',
      '/health/',
      '//ready',
      '/GraphQL',
      '/%67raphql',
      '/favicon.ico',
    ]) {
      const request = new Request(api.config.publicUrl.origin + path, { method: 'POST', headers: json, body: hello });
      expect((await api.app.fetch(request)).status, path).toBe(404);
    }
  });
});

describe('/health and /ready', () => {
  it('tell that the process answers, and that it can take requests', async () => {
    const api = await startApi();
    for (const [path, body] of [
      ['/health', 'ok\n'],
      ['/ready', 'ready\n'],
    ]) {
      const response = await get(api, path ?? '');
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(body);
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('tell why in general words while the server stops, or the database is not usable', async () => {
    const api = await startApi();
    await api.database.$executeRawUnsafe(
      'DELETE FROM "_prisma_migrations" WHERE "migration_name" = (SELECT max("migration_name") FROM "_prisma_migrations")',
    );
    const unmigrated = await get(api, '/ready');
    expect([unmigrated.status, await unmigrated.text()]).toEqual([503, 'not ready: the database is not migrated\n']);
    await api.database.$executeRawUnsafe('DROP TABLE "_prisma_migrations"');
    expect((await get(api, '/ready')).status).toBe(503);
    expect((await get(api, '/health')).status).toBe(200);
    expect(api.reported.map((notice) => (notice as Error).message)).toEqual([
      'Not ready: the database is not migrated.',
      'Not ready: a table of the database is missing.',
    ]);

    const stopping = await startApi();
    stopping.app.drain();
    expect((await get(stopping, '/ready')).status).toBe(503);
    expect((await post(stopping, hello)).status).toBe(200);
  });

  it('ask the database once for all that come at the same time', async () => {
    const api = await startApi();
    api.statements.length = 0;
    const answers = await Promise.all(Array.from({ length: 50 }, () => get(api, '/ready')));
    for (const { status } of answers) expect(status).toBe(200);
    expect(api.statements).toHaveLength(1);
    expect((await get(api, '/ready')).status).toBe(200);
    expect(api.statements).toHaveLength(2);
  });
});

describe('methods', () => {
  it('other than GET and POST are not allowed', async () => {
    const api = await startApi();
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const response = await get(api, '/graphql', {}, method);
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, POST, OPTIONS');
    }
  });

  it('change nothing with GET', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const query = encodeURIComponent('mutation { logout { revokedSessionId } }');
    const response = await get(api, `/graphql?query=${query}`, { authorization: `Bearer ${ada.token}` });
    expect(response.status).toBe(405);
    expect(await ada.ask('{ viewer { email } }')).toEqual({ viewer: { email: 'ada@example.com' } });
  });

  it('query with GET as with POST, and refuse parameters that are not JSON', async () => {
    const api = await startApi();
    const response = await get(api, `/graphql?query=${encodeURIComponent('{ __typename }')}&variables={}`);
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
    for (const parameters of ['variables={', 'variables=[]', 'extensions=x', 'variables=1', 'variables=null0']) {
      const refused = await get(api, `/graphql?query=${encodeURIComponent('{ __typename }')}&${parameters}`);
      expect(refused.status, parameters).toBe(400);
    }
  });
});

describe('bodies', () => {
  it('are JSON in UTF-8, with the type in any case', async () => {
    const api = await startApi();
    const good = ['application/json', 'Application/JSON', 'application/json ; charset=UTF-8', 'application/json;a=b'];
    for (const type of good) expect((await post(api, hello, { 'content-type': type })).status, type).toBe(200);
    const bad = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'a;application/json',
      'application/jsonx',
      'application/json;charset=utf-16',
      `application/json;charset=${'u'.repeat(10_000)}`,
      'application/graphql',
      '',
    ];
    for (const type of bad) expect((await post(api, hello, { 'content-type': type })).status, type).toBe(415);
    expect((await post(api, new Blob([hello]), {})).status).toBe(415);
    expect((await post(api, hello, { ...json, 'content-encoding': 'gzip' })).status).toBe(415);
  });

  it('are refused past 64 KB, also without a length', async () => {
    const api = await startApi();
    const padded = (length: number) => hello + ' '.repeat(length - hello.length);
    expect((await post(api, padded(65_536))).status).toBe(200);
    expect((await post(api, padded(65_537))).status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(16_384).fill(32));
      },
    });
    expect((await post(api, endless)).status).toBe(413);
    expect(sent).toBeLessThan(10);
  });

  it('with a batch of operations are refused by name', async () => {
    const api = await startApi();
    for (const body of ['[]', `[${hello}]`, ` \n[${hello},${hello}]`]) {
      const response = await post(api, body);
      const { errors } = await response.json();
      expect([response.status, errors[0].extensions.code], body).toEqual([400, 'BATCHING_NOT_SUPPORTED']);
      expect(errors[0].message).toMatch(/^Batching is not supported\. Send each operation/);
    }
  });

  it('without a valid form get 400', async () => {
    const api = await startApi();
    const nonsense = [
      '',
      'null',
      '1',
      '"x"',
      '[]',
      '{',
      '{"query":1}',
      '{"query":null}',
      '{}',
      `[${hello}]`,
      '\ufeff{',
    ];
    for (const body of nonsense) {
      const response = await post(api, body, strict);
      const text = await response.text();
      expect(response.status, body).toBe(400);
      expect(text).not.toMatch(/at .*\.(js|ts):|node_modules/);
    }
    expect(api.reported).toEqual([]);
  });

  it('with expensive documents are refused fast', async () => {
    const api = await startApi();
    const deep = `{ ${'a{'.repeat(15_000)}`;
    const many = `{ ${'__typename '.repeat(5_000)}}`;
    for (const query of [deep, many]) {
      const response = await post(api, JSON.stringify({ query }), strict);
      expect(response.status).toBe(400);
    }
    expect(api.reported).toEqual([]);
  });
});

describe('answers', () => {
  it('are never stored, and list the headers that they depend on', async () => {
    const api = await startApi();
    for (const response of [await post(api, hello), await get(api, '/nowhere'), await post(api, hello, {})]) {
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('vary')).toContain('Cookie');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  it('mask internal errors, and report them once', async () => {
    const api = await startApi();
    await api.database.$executeRawUnsafe('ALTER TABLE "Session" RENAME COLUMN "publicData" TO "gone"');
    const client = Object.assign(api.client(), { cookie: `session=${'0'.repeat(32)}.${'s'.repeat(43)}` });
    const { status, errors, data } = await client.send('{ viewer { id } }');
    expect(status).toBe(500);
    expect(data).toBeUndefined();
    expect(errors).toEqual([{ message: 'Unexpected error.', extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(api.reported).toHaveLength(1);
    expect(client.cookie).not.toBeNull();
  });
});

describe('pages of other sites', () => {
  const origin = { origin: 'https://evil.example' };

  it('are refused by the headers of their browser', async () => {
    const api = await startApi();
    const foreign: Record<string, string>[] = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: api.config.publicUrl.origin },
      origin,
      { origin: 'null' },
      { origin: 'http://localhost:4000.evil.example' },
      { origin: 'not an origin' },
      { origin: 'https://localhost:4000', host: 'localhost:4000' },
      { origin: 'ftp://localhost:4000', host: 'localhost:4000' },
      { ...origin, authorization: 'Bearer x' },
      { 'sec-fetch-site': 'cross-site', authorization: 'Bearer x' },
    ];
    for (const headers of foreign) {
      const response = await post(api, hello, { ...json, ...headers });
      expect(response.status, JSON.stringify(headers)).toBe(403);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      const query = `/graphql?query=${encodeURIComponent('{ __typename }')}`;
      expect((await get(api, query, { ...headers, 'content-type': 'text/plain' })).status).toBe(403);
    }
  });

  it('are distinguished from our own pages and from programs', async () => {
    const api = await startApi({ allowedHosts: new Set(['other.name']) });
    const own: Record<string, string>[] = [
      {},
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
      { origin: api.config.publicUrl.origin },
      { origin: 'http://other.name:4000', host: 'other.name:4000' },
      { origin: 'http://other.name:4000', host: 'OTHER.name:4000', authorization: 'Bearer x' },
    ];
    for (const headers of own) {
      expect((await post(api, hello, { ...json, ...headers })).status, JSON.stringify(headers)).toBe(200);
    }
  });

  it('may call, and read the answer, if their origin is allowed', async () => {
    const api = await startApi({ allowedOrigins: new Set(['https://app.example', 'https://admin.example']) });
    const allowed = { origin: 'https://app.example', 'sec-fetch-site': 'same-site' };
    const response = await post(api, hello, { ...json, ...allowed });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect(response.headers.get('access-control-allow-credentials')).toBe('true');
    expect(response.headers.get('vary')).toContain('Origin');
    const preflight = await get(api, '/graphql', allowed, 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('anti-csrf');
    for (const other of ['https://evil.example', 'null', 'https://app.example.evil.example', 'http://app.example']) {
      for (const method of ['OPTIONS', 'GET']) {
        const refused = await get(api, '/graphql', { origin: other }, method);
        expect(refused.status, `${method} ${other}`).toBe(403);
        expect(refused.headers.has('access-control-allow-origin'), other).toBe(false);
        expect(refused.headers.has('access-control-allow-credentials'), other).toBe(false);
      }
    }
  });
});
