import { createRemoteJWKSet, jwtVerify } from 'jose';
import { allowInsecureRequests, discoveryRequest, processDiscoveryResponse } from 'oauth4webapi';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/http/server.ts';
import { type Settings, startApi } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { freePort } from '../support/ports.ts';

const jwksPath = '/.well-known/jwks.json';
const metadataPath = '/.well-known/oauth-authorization-server';
const documents = [jwksPath, metadataPath];

/** Starts a server that listens, under the address that it has as its public one. */
async function serve(settings: Settings = { encryptionKeys: encryptionKeysOf() }) {
  const publicUrl = new URL(`http://127.0.0.1:${await freePort()}`);
  const api = await startApi({ publicUrl, ...settings });
  const { stop } = await listen(api.app, { host: publicUrl.hostname, port: Number(publicUrl.port) });
  onTestFinished(stop);
  const get = (path: string, init?: RequestInit) => fetch(new URL(path, publicUrl), init);
  return { ...api, publicUrl, get };
}

describe('JWK Set', () => {
  it('lets a library verify what this server signs', async () => {
    const { publicUrl, signingKeys, clock } = await serve();
    const token = await signingKeys?.sign({ aud: 'https://router.example' }, { typ: 'at+jwt' });
    const keys = createRemoteJWKSet(new URL(jwksPath, publicUrl));
    const { payload } = await jwtVerify(token ?? '', keys, {
      issuer: publicUrl.origin,
      audience: 'https://router.example',
      typ: 'at+jwt',
      algorithms: ['ES256'],
      currentDate: clock.now,
    });
    expect(payload.iss).toBe(publicUrl.origin);
  });

  it('is a sentence with 404 on a server without encryption keys, and no cache keeps that', async () => {
    const { get } = await serve({});
    const response = await get(jwksPath);
    expect(response.status).toBe(404);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({
      message: 'This server signs no tokens, so it has no keys to publish. The operator sets ENCRYPTION_KEYS.',
    });
  });

  it('and the metadata come from memory, for any number of requests', async () => {
    const { get, statements } = await serve();
    statements.length = 0;
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => get(documents[n % 2] ?? '')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(statements).toEqual([]);
  });

  it('is 503 without a verdict, when the keys cannot be read for an hour', async () => {
    const api = await serve();
    await api.database.$disconnect();
    const broken = Object.assign(new Error('Connection terminated'), { code: 'P1001' });
    api.database.signingKey.findMany = () => Promise.reject(broken) as never;
    api.clock.now = new Date(api.clock.now.getTime() + 3_599_999);
    expect((await api.get(jwksPath)).status).toBe(200);
    api.clock.now = new Date(api.clock.now.getTime() + 1);
    const response = await api.get(jwksPath);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(api.reported).toEqual([]);
  });
});

describe('metadata of the server', () => {
  it('is found by a library for OAuth', async () => {
    const { publicUrl } = await serve();
    const response = await discoveryRequest(publicUrl, { algorithm: 'oauth2', [allowInsecureRequests]: true });
    const metadata = await processDiscoveryResponse(publicUrl, response);
    expect(metadata).toEqual({
      issuer: publicUrl.origin,
      jwks_uri: `${publicUrl.origin}/.well-known/jwks.json`,
      introspection_endpoint: `${publicUrl.origin}/oauth/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      acr_values_supported: ['aal1', 'aal2'],
      introspection_signing_alg_values_supported: ['ES256'],
      revocation_endpoint: `${publicUrl.origin}/oauth/revoke`,
      revocation_endpoint_auth_methods_supported: ['none'],
      response_types_supported: [],
      grant_types_supported: [],
    });
  });

  it('names no keys on a server without encryption keys', async () => {
    const { get } = await serve({});
    const metadata = await (await get(metadataPath)).json();
    expect(Object.keys(metadata as object)).not.toContain('jwks_uri');
    expect(Object.keys(metadata as object)).not.toContain('introspection_signing_alg_values_supported');
  });
});

describe('public document', () => {
  it.each(documents)('may be kept by caches for five minutes, and read by pages of every origin: %s', async (path) => {
    const origin = 'https://app.example';
    const { get, app } = await serve({ encryptionKeys: encryptionKeysOf(), allowedOrigins: new Set([origin]) });
    const { headers } = await get(path, { headers: { origin } });
    const { vary: _, ...fixed } = app.headers;
    expect(Object.fromEntries(headers)).toMatchObject({
      ...fixed,
      'cache-control': 'public, max-age=300',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'retry-after, x-request-id',
    });
    for (const name of ['vary', 'access-control-allow-credentials', 'set-cookie'])
      expect(headers.has(name)).toBe(false);
  });

  it.each([
    [jwksPath, 'application/jwk-set+json'],
    [metadataPath, 'application/json'],
  ])('has the media type of its kind: %s', async (path, mediaType) => {
    const { get } = await serve();
    expect((await get(path)).headers.get('content-type')).toBe(mediaType);
  });

  it.each(documents)('has the same headers for HEAD, and no body: %s', async (path) => {
    const { get, app, publicUrl } = await serve();
    const ofAnswer = ['date', 'connection', 'keep-alive', 'x-request-id'];
    const headersOf = ({ headers }: Response) =>
      Object.fromEntries([...headers].filter(([name]) => !ofAnswer.includes(name)));
    const [whole, head] = [await get(path), await get(path, { method: 'HEAD' })];
    expect([head.status, headersOf(head)]).toEqual([200, headersOf(whole)]);
    expect(Number(head.headers.get('content-length'))).toBe((await whole.text()).length);
    expect(await head.text()).toBe('');
    const inProcess = await app.fetch(new Request(new URL(path, publicUrl), { method: 'HEAD' }));
    expect([inProcess.status, await inProcess.text()]).toEqual([200, '']);
  });

  it.each(documents)('refuses other methods, and answers a preflight: %s', async (path) => {
    const { get } = await serve();
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const response = await get(path, { method, body: 'x' });
      expect([response.status, response.headers.get('allow')], method).toEqual([405, 'GET, HEAD, OPTIONS']);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toEqual({ message: `${method} is not supported. Use GET.` });
    }
    const preflight = await get(path, { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET, HEAD');
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
  });

  it.each(documents)('is at its exact path, and under the names of this server only: %s', async (path) => {
    const { app } = await serve();
    expect((await app.fetch(new Request(`http://localhost:4000${path}/x`))).status).toBe(404);
    expect((await app.fetch(new Request(`http://evil.example${path}`))).status).toBe(421);
  });
});

describe('related origins of passkeys', () => {
  const path = '/.well-known/webauthn';

  it('are named for browsers, which may keep them', async () => {
    const relatedOrigins = ['https://example.de'];
    const { get } = await serve({ passkeys: { rpId: 'localhost', origins: new Set(), relatedOrigins } });
    const response = await get(path);
    expect(await response.json()).toEqual({ origins: relatedOrigins });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('cache-control')).toMatch(/^public, max-age=/);
  });

  it('are a sentence with 404 if there are none', async () => {
    const { get } = await serve({});
    const response = await get(path);
    expect(response.status).toBe(404);
    expect((await response.json()).message).toContain('RELATED_ORIGINS');
  });
});
