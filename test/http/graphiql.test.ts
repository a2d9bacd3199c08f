import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { examples } from '../../src/http/routes/graphiql/examples/examples.ts';
import { startApi, type TestApi } from '../support/api.ts';

describe('GraphiQL', () => {
  const get = (api: TestApi, path: string, headers: Record<string, string> = {}) =>
    api.app.fetch(new Request(new URL(path, api.config.publicUrl), { headers }));

  /** The paths that the page and its scripts load. */
  async function assetPaths(api: TestApi): Promise<string[]> {
    const html = await (await get(api, '/graphql', { accept: 'text/html' })).text();
    const start = await (await get(api, '/graphql/start.js')).text();
    const inPage = [...html.matchAll(/(?:src|href)="([^"]*)"/g)];
    const inScript = [...start.matchAll(/"(\/graphql\/[^"]*)"/g)];
    return [...inPage, ...inScript].map(([, path = '']) => path);
  }

  it('is a small page without inline scripts, which may call this server only', async () => {
    const api = await startApi();
    const page = await get(api, '/graphql', { accept: 'text/html' });
    expect(page.status).toBe(200);
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'; script-src 'self'; worker-src 'self';");
    expect(policy).toContain("connect-src 'self'");
    expect(page.headers.get('cache-control')).toBe('no-store');
    const html = await page.text();
    expect(html.length).toBeLessThan(2_000);
    expect(html).not.toMatch(/<script>|(src|href)="?https?:/);
  });

  it('has files that browsers store, and revalidate by their entity tag', async () => {
    const api = await startApi();
    const paths = await assetPaths(api);
    expect(paths).toHaveLength(8);
    for (const path of paths) {
      const first = await get(api, path);
      expect(first.status, path).toBe(200);
      const bytes = Buffer.from(await first.arrayBuffer());
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toBe(`"${hash('sha256', bytes, 'base64url')}"`);
      expect(first.headers.get('content-length')).toBe(String(bytes.length));
      expect(first.headers.get('content-type')).toMatch(/^(text\/(javascript|css); charset=utf-8|image\/x-icon)$/);
      expect(first.headers.get('cache-control')).toBe('no-cache');
      expect(first.headers.get('x-content-type-options')).toBe('nosniff');
      for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await get(api, path, { 'if-none-match': condition });
        expect(again.status, condition).toBe(304);
        expect(again.headers.get('etag')).toBe(etag);
        expect(await again.text()).toBe('');
      }
      expect((await get(api, path, { 'if-none-match': '"other"' })).status).toBe(200);
    }
  });

  it('does not exist if it is off, as in production, nor under the name of another host', async () => {
    const api = await startApi({
      graphiql: readConfig({ NODE_ENV: 'production', PUBLIC_URL: 'https://sessions.example' }).graphiql,
    });
    const paths = await assetPaths(await startApi());
    for (const path of paths) expect((await get(api, path)).status, path).toBe(404);
    const visit = await get(api, '/graphql', { accept: 'text/html' });
    expect(visit.headers.get('content-type') ?? '').not.toContain('text/html');
    const open = await startApi();
    for (const path of ['/graphql', ...paths]) {
      expect((await get(open, path, { accept: 'text/html', host: 'evil.example' })).status, path).toBe(421);
    }
  });

  it('is where a browser arrives that opens the address of the server', async () => {
    const api = await startApi();
    for (const path of ['/', '/?next=https://evil.example', '/graphql/..', '/#//evil.example']) {
      const visit = await get(api, path, { accept: 'text/html,application/xhtml+xml' });
      expect([visit.status, visit.headers.get('location')], path).toEqual([302, '/graphql']);
      expect(visit.headers.get('cache-control')).toBe('no-store');
      expect(visit.headers.get('vary')).toContain('Accept');
      expect(await visit.text()).toBe('');
    }
    expect((await get(api, '/', { accept: 'text/html', host: 'evil.example' })).status).toBe(421);
    const off = await startApi({ graphiql: false });
    for (const [served, accept] of [
      [off, 'text/html'],
      [api, '*/*'],
      [api, 'application/json'],
    ] as const) {
      const refused = await get(served, '/', { accept });
      expect([refused.status, refused.headers.has('location')], accept).toEqual([404, false]);
      expect((await refused.json()).errors[0].message).toBe('This path does not exist. GraphQL is at /graphql.');
    }
    const post = new Request(new URL('/', api.config.publicUrl), { method: 'POST', headers: { accept: 'text/html' } });
    expect((await api.app.fetch(post)).status).toBe(404);
  });

  it('has examples that are valid operations of this schema, one a tab, and fit into a small window', async () => {
    const api = await startApi();
    const names = examples.map(({ query }) =>
      [...query.matchAll(/^(?:query|mutation|subscription) (\w+)/gm)].map(([, name]) => name),
    );
    expect(names.filter(({ length }) => length !== 1)).toEqual([]);
    expect(new Set(names.flat()).size).toBe(examples.length);
    for (const { query, variables = '{}', headers = '{}' } of examples) {
      const request = new Request(new URL('/graphql', api.config.publicUrl), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json, text/event-stream',
          ...JSON.parse(headers),
        },
        body: JSON.stringify({ query, variables: JSON.parse(variables) }),
      });
      expect((await api.app.fetch(request)).status, query).toBe(200);
      for (const line of query.split('\n')) expect(line.length, line).toBeLessThanOrEqual(46);
    }
  });
});
