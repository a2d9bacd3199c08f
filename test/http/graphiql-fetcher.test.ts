import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { fetcherScript } from '../../src/http/routes/graphiql/fetcher.ts';
import { type Data, startApi } from '../support/api.ts';

type Sent = { query: string; operationName?: string; headers: Headers };

/** Returns the function by which GraphiQL sends operations, and the requests that it makes. */
function createFetcher(answer: (sent: Sent) => Response | Promise<Response>) {
  const sent: Sent[] = [];
  const fetch = async (_url: string, { body, headers }: { body: string; headers: Headers }) => {
    const request = { ...JSON.parse(body), headers };
    sent.push(request);
    return answer(request);
  };
  const fetcher = runInNewContext(`${fetcherScript}; createFetcher('/graphql')`, { fetch, Headers, TextDecoderStream });
  return { fetcher: fetcher as (params: Data, options?: Data) => Promise<Data>, sent };
}

const signedOut = () => Response.json({ data: { currentSession: null } });

describe('fetcher of GraphiQL', () => {
  it.each([
    ['keeps the name if the text has it', 'query A { a } query B { a }', 'B', 'B'],
    ['names the first operation if the text has changed', 'query B { a } query C { a }', 'A', 'B'],
    ['names an operation that GraphiQL has not seen yet', 'mutation B { a }', undefined, 'B'],
    ['names none if no operation has a name', '{ query mutation { a } }', 'A', undefined],
    ['skips comments', '# query A\nquery B { a } # query C {', 'A', 'B'],
    ['skips strings', 'query B { a(x: "} query A {", y: """query A \\""" { " """) }', 'A', 'B'],
    ['skips fields and arguments', 'query B($query: I = { query: 1 }) { query A: mutation }', 'A', 'B'],
    ['skips fragments', 'fragment query on User { id } query B { ...query }', 'on', 'B'],
    ['leaves a broken text to the server', 'query B { a', 'A', 'B'],
  ])('%s: %s', async (_rule, query, operationName, name) => {
    const { fetcher, sent } = createFetcher(signedOut);
    await fetcher({ query, operationName });
    expect(sent.at(-1)).toMatchObject({ query });
    expect(sent.at(-1)?.operationName).toBe(name);
  });

  it('sends the anti-CSRF token of a cookie session, but not beside a bearer token', async () => {
    const { fetcher, sent } = createFetcher(() => Response.json({ data: { currentSession: { antiCSRFToken: 'x' } } }));
    await fetcher({ query: '{ a }' });
    expect(sent.map(({ headers }) => headers.get('anti-csrf'))).toEqual([null, 'x']);
    await fetcher({ query: '{ a }' }, { headers: { authorization: 'Bearer y' } });
    expect(sent.slice(2).map(({ headers }) => headers.get('anti-csrf'))).toEqual([null]);
  });

  it('gives the messages of a subscription, until it is stopped', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { fetcher } = createFetcher(({ headers, ...body }) => {
      const request = { method: 'POST', headers: new Headers(headers), body: JSON.stringify(body) };
      return api.app.fetch(new Request(new URL('/graphql', api.config.publicUrl), request));
    });
    const query = 'subscription { sessionEvents { __typename } }';
    const messages = await fetcher({ query }, { headers: { authorization: `Bearer ${ada.token}` } });
    expect((await messages.next()).value.data.sessionEvents.__typename).toBe('SessionsSnapshot');
    await ada.act('updateProfile', { name: 'Ada' });
    expect((await messages.next()).value.data.sessionEvents.__typename).toBe('ViewerChanged');
    const waiting = messages.next();
    await messages.return();
    expect((await waiting).done).toBe(true);
  });

  it('answers the document that the server sends', async () => {
    const api = await startApi();
    const { fetcher } = createFetcher(({ headers, ...body }) => {
      const request = { method: 'POST', headers: new Headers(headers), body: JSON.stringify(body) };
      return api.app.fetch(new Request(new URL('/graphql', api.config.publicUrl), request));
    });
    expect(await fetcher({ query: 'query A { viewer { id } }' })).toEqual({ data: { viewer: null } });
    expect((await fetcher({ query: 'query A {' })).errors[0].message).toMatch(/^Syntax Error/);
  });

  it.each([
    ['no answer', () => Promise.reject(new TypeError('Failed to fetch')), 'Failed to fetch'],
    [
      'an answer of a proxy',
      () => new Response('<h1>', { status: 502 }),
      'The answer has the status 502, and is not JSON.',
    ],
  ])('tells a failure in a sentence, without a stack: %s', async (_name, answer, reason) => {
    const { fetcher } = createFetcher(answer);
    const answered = await fetcher({ query: '{ a }' });
    expect(JSON.parse(JSON.stringify(answered))).toEqual({ errors: [{ message: `The request failed: ${reason}` }] });
  });
});
