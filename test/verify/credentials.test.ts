import { describe, expect, it } from 'vitest';
import { cookiesFor } from '../../src/http/request/cookies.ts';
import { readCredentials } from '../../src/http/request/credentials.ts';
import { cookiePolicy, readToken } from '../../src/verify/credentials.ts';
import { type HeaderSource, readerOf } from '../../src/verify/headers.ts';
import { createVerifier, type VerifierOptions } from '../../src/verify/verifier.ts';
import { anyClient } from '../support/verify.ts';

const https = 'https://accounts.example.com';

/** Returns the tokens about which a verifier asks for these requests. */
async function askedFor(requests: HeaderSource[], options: Partial<VerifierOptions> = {}): Promise<string[]> {
  const asked: string[] = [];
  const { verify } = createVerifier({
    url: 'http://localhost:4000',
    ...anyClient,
    fetch: async (_, { body }) => {
      asked.push(new URLSearchParams(String(body)).get('token') ?? '');
      return Response.json({ active: false });
    },
    ...options,
  });
  for (const request of requests) expect(await verify(request)).toBeNull();
  return asked;
}

describe('credential of a request', () => {
  it('is found in every form of headers', async () => {
    const headers = { cookie: 'theme=dark; session=t' };
    const forms: HeaderSource[] = [
      headers,
      { Cookie: headers.cookie },
      { headers },
      new Headers(headers),
      new Request('http://localhost', { headers }),
      { cookie: ['theme=dark', 'session=t'] },
      { cookie: headers.cookie, authorization: null },
      { cookie: headers.cookie, authorization: undefined, headers: 'a header', get: 'another' },
      { cookie: headers.cookie, headers: ['a header'] },
    ];
    expect(await askedFor(forms)).toEqual(forms.map(() => 't'));
  });

  it('costs no question without a token, and with one that is longer than 4,096 bytes', async () => {
    const tokens = ['', 'x'.repeat(4_097), 'é'.repeat(2_049), 'x'.repeat(1_000_000)];
    const requests = tokens.flatMap((token) => [{ cookie: `session=${token}` }, { authorization: `Bearer ${token}` }]);
    expect(await askedFor([{}, { cookie: 'mysession=t; session' }, ...requests])).toEqual([]);
    expect(await askedFor([{ cookie: `session=${'x'.repeat(4_096)}` }])).toHaveLength(1);
  });

  it('is none with two cookies of the name, because one was planted', async () => {
    expect(await askedFor([{ cookie: 'session=a; session=b' }, { cookie: ['session=a', 'session=a'] }])).toEqual([]);
  });

  it('is the same as for the server', () => {
    const space = ['', ' ', '\t', '\u00a0', '\u000b'];
    const names = ['session', 'Session', '__Host-session', 'xsession', 'session '];
    const pairs = space.flatMap((before) => names.flatMap((name) => [`${before}${name}=t`, `${before}${name}=`]));
    const cookies = pairs.flatMap((one) => [one, `${one} `, `a=session=t;${one}`, `${one};${one}`, `=;${one};;b`]);
    const schemes = [
      null,
      'Bearer b',
      'bearer  b  ',
      'Bearer',
      'Bearer b c',
      'Bearer\tb',
      'Basic b',
      'Bearer b, Bearer c',
    ];
    for (const url of [new URL('http://localhost'), new URL(https)]) {
      for (const cookie of cookies) {
        for (const authorization of schemes) {
          const headers = readerOf({ cookie, authorization });
          const { session } = cookiesFor({ publicUrl: url, cookieDomain: null });
          const [[expected] = []] = readCredentials(headers, session, null);
          expect([cookie, authorization, readToken(headers, cookiePolicy(url, undefined))]).toEqual([
            cookie,
            authorization,
            expected?.token || null,
          ]);
        }
      }
    }
  });
});

describe('name of the cookie', () => {
  const cookie = 'session=plain; __Host-session=host; __Secure-session=secure';

  it.each([
    ['http://localhost:4000', {}, ['plain']],
    [https, {}, ['host']],
    [https, { cookieName: '__Secure-session' }, ['secure']],
    ['http://accounts.internal', { cookieName: '__Host-session' }, ['host']],
    [https, { cookieName: null }, []],
  ])('follows from the address %s, or is the option %o', async (url, options, expected) => {
    expect(await askedFor([{ cookie }], { url, ...options })).toEqual(expected);
  });

  it.each([
    [null, {}],
    ['example.com', { cookieName: '__Secure-session' }],
  ])('is that of the server with the cookie domain %s', async (cookieDomain, options) => {
    const { session } = cookiesFor({ publicUrl: new URL(https), cookieDomain });
    const cookie = session.set(new Headers(), 'gqs_t', null).at(-1)?.split(';')[0] ?? '';
    expect(await askedFor([{ cookie }], { url: https, ...options })).toEqual(['gqs_t']);
  });

  it.each([
    ['http://accounts.internal:4000', '__Host-session=gqs_a'],
    ['http://accounts.internal:4000', '__Host-session=gqs_a; session=gqs_b'],
    ['http://localhost:4000', '__Secure-session=gqs_a'],
    [https, '__Secure-session=gqs_a'],
  ])('is named in an error if the default of %s is wrong: %s', async (url, wrong) => {
    const name = wrong.split('=')[0] ?? '';
    const { verify } = createVerifier({ url, ...anyClient });
    await expect(verify({ cookie: wrong })).rejects.toThrow(`Set the option cookieName to '${name}'.`);
  });

  it('is not doubted if it is set, or if the cookie with it came', async () => {
    const set = { url: 'http://accounts.internal', cookieName: 'session' };
    expect(await askedFor([{ cookie: '__Host-session=gqs_a' }], set)).toEqual([]);
    const both = { cookie: '__Secure-session=gqs_planted; __Host-session=gqs_own' };
    expect(await askedFor([both, { cookie: 'session=gqs_planted' }], { url: https })).toEqual(['gqs_own']);
  });
});
