import { describe, expect, it } from 'vitest';
import { isFromForeignSite } from '../../src/http/request/cross-site.ts';
import { CsrfError } from '../../src/verify/errors.ts';
import { readerOf } from '../../src/verify/headers.ts';
import { createVerifier } from '../../src/verify/verifier.ts';
import { anyClient } from '../support/verify.ts';

const friend = 'https://friend.example';

function verifierFor(publicUrl: URL) {
  return createVerifier({ url: publicUrl, ...anyClient, allowedOrigins: [friend] });
}

const { requireCsrf, requireOwnSite } = verifierFor(new URL('https://app.example'));
const post = (headers: Record<string, string>) => () => requireCsrf({ method: 'POST', headers });

describe('requireCsrf', () => {
  it.each([
    ['of another site', { 'sec-fetch-site': 'cross-site' }],
    ['of a sibling domain', { 'sec-fetch-site': 'same-site' }],
    ['with another Origin, of an old browser', { origin: 'https://evil.example', host: 'app.example' }],
    ['with the Origin of a sandboxed page', { origin: 'null', host: 'app.example' }],
    ['with the Origin of a sandboxed page, and without Host', { origin: 'null' }],
    ['of an unencrypted page of the same host', { origin: 'http://app.example', host: 'app.example' }],
    ['with Basic, which browsers send by themselves', { 'sec-fetch-site': 'cross-site', authorization: 'Basic eDp5' }],
  ])('refuses a request from a page %s', (_, headers) => {
    expect(post(headers)).toThrow(CsrfError);
  });

  it.each([
    ['its own page', { 'sec-fetch-site': 'same-origin' }],
    ['its own page, in an old browser', { origin: 'https://app.example', host: 'APP.example' }],
    ['an allowed origin', { 'sec-fetch-site': 'cross-site', origin: friend }],
    ['a program, which sends neither header', {}],
    ['a client with a bearer token', { 'sec-fetch-site': 'cross-site', authorization: 'Bearer t' }],
  ])('lets a request pass from %s', (_, headers) => {
    expect(post(headers)).not.toThrow();
  });

  it('lets safe methods pass, and takes every other method for one that changes something', () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    for (const method of ['GET', 'HEAD', 'OPTIONS']) expect(() => requireCsrf({ method, headers })).not.toThrow();
    for (const method of ['PUT', 'PATCH', 'DELETE', 'QUERY', 'get', undefined]) {
      expect(() => requireCsrf({ method, headers })).toThrow(CsrfError);
    }
    // A WebSocket is opened by a GET.
    expect(() => requireOwnSite(headers)).toThrow(CsrfError);
  });

  it('accepts a Request, and is an answer with status 403', async () => {
    const request = new Request('https://app.example', { method: 'POST', headers: { origin: 'https://evil.example' } });
    try {
      requireCsrf(request);
      expect.unreachable();
    } catch (error) {
      const response = error instanceof CsrfError ? error.getResponse() : null;
      expect([response?.status, await response?.text()]).toEqual([
        403,
        'Pages of this site may not send this request.',
      ]);
    }
  });

  it.each(['https://app.example', 'http://app.example:8080'])('decides as the server does at %s', (address) => {
    const publicUrl = new URL(address);
    const verifier = verifierFor(publicUrl);
    const hosts = [publicUrl.host, publicUrl.host.toUpperCase()];
    const origins = ['null', friend, 'https://app.example', 'http://app.example:8080', 'https://evil.example', 'x', ''];
    const sites = [undefined, 'same-origin', 'same-site', 'cross-site', 'none', 'odd', ''];
    let refused = 0;
    for (const host of hosts) {
      for (const origin of [undefined, ...origins]) {
        for (const site of sites) {
          const headers = readerOf({ host, origin, 'sec-fetch-site': site });
          const expected = isFromForeignSite(headers, { publicUrl, allowedOrigins: new Set([friend]) });
          const decide = () => verifier.requireCsrf({ method: 'POST', headers });
          if (expected) expect(decide, JSON.stringify({ host, origin, site })).toThrow(CsrfError);
          else expect(decide, JSON.stringify({ host, origin, site })).not.toThrow();
          refused += Number(expected);
        }
      }
    }
    expect(refused).toBeGreaterThan(40);
  });
});
