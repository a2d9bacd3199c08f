import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { VerificationUnavailable, VerifierMisconfigured } from '../../src/verify/errors.ts';
import { createVerifier, type VerifierOptions } from '../../src/verify/verifier.ts';
import { anonymous, anyClient, startFake } from '../support/verify.ts';

const bearer = { authorization: 'Bearer token' };

type Answer = (response: ServerResponse) => unknown;

/** A verifier for a server that gives these answers in turn, and the number of its requests. */
async function verifierFor(answers: Answer[], options: Partial<VerifierOptions> = {}) {
  const counts = { requests: 0 };
  let answered = 0;
  const url = await startFake((_, response) => {
    answers[Math.min(answered, answers.length - 1)]?.(response);
    answered += 1;
  });
  const countingFetch: VerifierOptions['fetch'] = (to, init) => {
    counts.requests += 1;
    return fetch(to, init);
  };
  return { ...createVerifier({ url, ...anyClient, fetch: countingFetch, ...options }), counts };
}

const send =
  (status: number, body = '', headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body);
const good = send(200, anonymous);
const breakConnection: Answer = (response) => response.destroy();
const never: Answer = () => {};

describe('verifier without an answer', () => {
  it('asks again once after a broken connection', async () => {
    const { verify, counts } = await verifierFor([breakConnection, good]);
    expect((await verify(bearer))?.session.handle).toBe('handle');
    expect(counts.requests).toBe(2);
  });

  it('throws if the connection breaks twice', async () => {
    const { verify, counts } = await verifierFor([breakConnection]);
    await expect(verify(bearer)).rejects.toThrow(VerificationUnavailable);
    expect(counts.requests).toBe(2);
  });

  it('throws if an answer breaks off', async () => {
    const half: Answer = (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"active":');
      setImmediate(() => response.destroy());
    };
    const { verify } = await verifierFor([half]);
    await expect(verify(bearer)).rejects.toThrow(VerificationUnavailable);
  });

  it('throws if nobody listens at the address', async () => {
    const { verify } = createVerifier({ url: 'http://127.0.0.1:1', ...anyClient });
    const refused = verify(bearer);
    await expect(refused).rejects.toThrow(VerificationUnavailable);
    await expect(refused).rejects.toMatchObject({ cause: expect.any(Error) });
  });

  it.each([
    ['begins', never],
    ['ends', (response: ServerResponse) => response.writeHead(200).write('{')],
  ])('throws if no answer %s in time, without asking again', async (_, answer) => {
    const { verify, counts } = await verifierFor([answer, good], { timeoutMs: 50 });
    const refused = verify(bearer);
    await expect(refused).rejects.toThrow(VerificationUnavailable);
    await expect(refused).rejects.toMatchObject({ cause: { name: 'TimeoutError' } });
    expect(counts.requests).toBe(1);
  });

  it('waits a second by default', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout');
    onTestFinished(() => timeout.mockRestore());
    const fetch = async () => Response.json({ active: false });
    await createVerifier({ url: 'http://127.0.0.1:1', clientId: 'id', clientSecret: 'secret', fetch }).verify(bearer);
    expect(timeout.mock.calls).toEqual([[1_000]]);
  });

  it('tells each request that shares a question about the failure, and asks anew afterwards', async () => {
    const { verify, counts } = await verifierFor([breakConnection, breakConnection, good]);
    const results = await Promise.allSettled([verify(bearer), verify(bearer)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await verify(bearer))?.user).toBeNull();
    expect(counts.requests).toBe(3);
  });
});

describe('verifier after 503', () => {
  it.each(['0', '1'])('asks again once after a Retry-After of %s s', async (seconds) => {
    const { verify, counts } = await verifierFor([send(503, '', { 'retry-after': seconds }), good]);
    expect((await verify(bearer))?.session.handle).toBe('handle');
    expect(counts.requests).toBe(2);
  });

  it.each([
    ['without Retry-After', {}, '1'],
    ['with a long Retry-After', { 'retry-after': '30' }, '30'],
    ['with a date', { 'retry-after': 'Fri, 27 Nov 2026 08:00:00 GMT' }, '1'],
  ])('throws at once %s', async (_, headers, retryAfter) => {
    const { verify, counts } = await verifierFor([send(503, '', headers), good]);
    const refused = verify(bearer);
    await expect(refused).rejects.toThrow(VerificationUnavailable);
    await expect(refused).rejects.toMatchObject({ headers: { 'retry-after': retryAfter } });
    expect(counts.requests).toBe(1);
  });
});

describe('verifier with another answer', () => {
  it.each([408, 413, 429, 500, 502, 504])('throws that there is no verdict for %i', async (status) => {
    const { verify, counts } = await verifierFor([send(status, 'proxy')]);
    await expect(verify(bearer)).rejects.toThrow(VerificationUnavailable);
    expect(counts.requests).toBe(1);
  });

  it.each([301, 307, 308])('follows no redirect %i, which would send the secret elsewhere', async (status) => {
    const { counts } = await verifierFor([good]);
    const other = await startFake((_, response) => {
      counts.requests += 1;
      response.end(anonymous);
    });
    const { verify } = await verifierFor([send(status, '', { location: `${other}/oauth/introspect` })]);
    await expect(verify(bearer)).rejects.toThrow(VerifierMisconfigured);
    await expect(verify(bearer)).rejects.toThrow(/redirect/);
    expect(counts.requests).toBe(0);
  });

  it.each([
    '',
    '<!doctype html>',
    'null',
    '[]',
    '"active"',
    '{}',
    '{"active":"true"}',
    '{"active":1}',
    '{"active":true}',
    '{"active":true,"sid":"x","iat":"1","exp":2}',
    '{"active":true,"sid":"x","iat":1,"exp":2,"sub":"x"}',
    '{"active":true,"sid":"x","iat":1,"exp":2,"sub":null}',
  ])('takes a body for no verdict that is no introspection response: %s', async (body) => {
    const { verify } = await verifierFor([send(200, body)]);
    await expect(verify(bearer)).rejects.toThrow(VerifierMisconfigured);
  });

  it('reveals neither the token nor the secret in an error', async () => {
    const { verify } = await verifierFor([send(500, 'no')], { clientSecret: 'gqk_secret' });
    const error = await verify({ authorization: 'Bearer gqs_token' }).catch((error) => error);
    const texts = [error.message, error.stack, error.cause.message, JSON.stringify(error)].join('\n');
    expect(texts).not.toMatch(/gqs_|gqk_/);
  });
});

describe('options of a verifier', () => {
  it.each([
    ['url', { url: '' }],
    ['url', { url: 'accounts.example.com' }],
    ['url', { url: 'ftp://accounts.example.com' }],
    ['url', { url: 'https://id:secret@accounts.example.com' }],
    ['url', { url: 'https://accounts.example.com/?a=b' }],
    ['clientId', { clientId: '' }],
    ['clientSecret', { clientSecret: '' }],
    ['cookieName', { cookieName: '' }],
    ['allowedOrigins', { allowedOrigins: ['https://admin.example.com/'] }],
    ['allowedOrigins', { allowedOrigins: ['admin.example.com'] }],
  ])('are checked when it is created: %s %o', (name, wrong) => {
    const options = { url: 'https://accounts.example.com', ...anyClient, ...wrong };
    expect(() => createVerifier(options)).toThrow(VerifierMisconfigured);
    expect(() => createVerifier(options)).toThrow(name);
  });

  it.each([
    ['http://a.example', 'http://a.example/oauth/introspect'],
    ['http://a.example/', 'http://a.example/oauth/introspect'],
    ['http://a.example/accounts', 'http://a.example/accounts/oauth/introspect'],
    [new URL('http://a.example:81/accounts/'), 'http://a.example:81/accounts/oauth/introspect'],
  ])('accept the address %s', async (url, expected) => {
    const asked: string[] = [];
    const { verify } = createVerifier({
      url,
      ...anyClient,
      fetch: async (to) => {
        asked.push(to.href);
        return Response.json({ active: false });
      },
    });
    expect(await verify(bearer)).toBeNull();
    expect(asked).toEqual([expected]);
  });

  it('accept a client id and a secret with any characters, in form encoding (RFC 6749 section 2.3.1)', async () => {
    const headers: unknown[] = [];
    const url = await startFake((request, response) => {
      headers.push(request.headers.authorization);
      response.end('{"active":false}');
    });
    await createVerifier({ url, clientId: 'a:b c', clientSecret: '%+é' }).verify(bearer);
    expect(headers).toEqual([`Basic ${btoa('a%3Ab+c:%25%2B%C3%A9')}`]);
  });
});
