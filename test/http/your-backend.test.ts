import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as send } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { listen } from '../../src/http/server.ts';
import { type Data, startApi, type TestApi } from '../support/api.ts';
import { codeBlocksOf, filesIn } from '../support/code-blocks.ts';
import { basic, createService, type TestService } from '../support/oauth.ts';

const page = readFileSync('docs/your-backend.md', 'utf8');

type Case = { api: TestApi; service: TestService; cookie: string };
type Send = { path: string; method?: string; headers?: Record<string, string>; body?: string };

const form = 'application/x-www-form-urlencoded';
const introspect = ({ service }: Case, init: Partial<Send> = {}): Send => ({
  path: '/oauth/introspect',
  method: 'POST',
  body: 'token=x',
  ...init,
  headers: { authorization: service.authorization, 'content-type': form, ...init.headers },
});
const verify = ({ cookie }: Case, headers: Record<string, string> = {}, query = ''): Send => ({
  path: `/auth/verify${query}`,
  headers: { cookie, ...headers },
});
const breakDatabase = ({ api }: Case) => {
  const fails = () => Promise.reject(Object.assign(new Error('down'), { code: 'P1001' }));
  Object.assign(api.database, { $findSession: fails, $findServiceClient: fails });
};

/** The requests of the table, by its first two columns. Each is sent to a server with default settings. */
const requests: Record<string, (test: Case) => Send | Promise<Send>> = {
  '`POST /oauth/introspect` no token': (test) => introspect(test, { body: '' }),
  '`POST /oauth/introspect` two tokens': (test) => introspect(test, { body: 'token=a&token=b' }),
  '`POST /oauth/introspect` a token of 5 KB': (test) => introspect(test, { body: `token=${'a'.repeat(5_000)}` }),
  '`POST /oauth/introspect` a body of 20 KB': (test) => introspect(test, { body: `token=a&b=${'a'.repeat(20_000)}` }),
  '`POST /oauth/introspect` a body in JSON': (test) =>
    introspect(test, { body: '{}', headers: { 'content-type': 'application/json' } }),
  '`POST /oauth/introspect` no client credentials': (test) => introspect(test, { headers: { authorization: '' } }),
  '`POST /oauth/introspect` an unknown client, or a wrong secret': (test) =>
    introspect(test, { headers: { authorization: basic('0'.repeat(32), test.service.secret) } }),
  '`POST /oauth/introspect` a disabled client': async (test) => {
    await test.api.database.serviceClient.updateMany({ data: { disabledAt: new Date() } });
    return introspect(test);
  },
  '`POST /oauth/introspect` a client without the scope': async (test) => {
    const { authorization } = await createService(test.api, 'users:read');
    return introspect(test, { headers: { authorization } });
  },
  '`POST /oauth/introspect` the secret twice: as HTTP Basic and in the body': (test) =>
    introspect(test, { body: 'token=a&client_id=b&client_secret=c' }),
  '`POST /oauth/introspect` `client_ip` without `user_agent`': (test) =>
    introspect(test, { body: 'token=a&client_ip=192.0.2.1' }),
  '`POST /oauth/introspect` a signed answer, without `ENCRYPTION_KEYS`': (test) =>
    introspect(test, { headers: { accept: 'application/token-introspection+jwt' } }),
  '`POST /oauth/introspect` the database does not answer': (test) => {
    breakDatabase(test);
    return introspect(test);
  },
  '`GET /oauth/introspect`': (test) => introspect(test, { method: 'GET', body: '' }),
  '`HEAD /oauth/introspect`': (test) => introspect(test, { method: 'HEAD', body: '' }),
  '`POST /oauth/revoke` no token': () => ({
    path: '/oauth/revoke',
    method: 'POST',
    body: '',
    headers: { 'content-type': form },
  }),
  '`/auth/verify` no token': (test) => verify(test, { cookie: '' }),
  '`/auth/verify` two session cookies': (test) => verify(test, { cookie: `${test.cookie}; session=planted` }),
  '`/auth/verify` a token of 5 KB': (test) => verify(test, { authorization: `Bearer ${'a'.repeat(5_000)}` }),
  '`/auth/verify` a request that another site forged': (test) =>
    verify(test, { 'x-forwarded-method': 'POST', 'sec-fetch-site': 'cross-site' }),
  '`/auth/verify` an unknown parameter': (test) => verify(test, {}, '?anonymous=yes'),
  '`/auth/verify` `acr_values=aal3`': (test) => verify(test, {}, '?acr_values=aal3'),
  '`/auth/verify` `max_age=5m`': (test) => verify(test, {}, '?max_age=5m'),
  '`/auth/verify` `acr_values=aal2`, with the password only': (test) => verify(test, {}, '?acr_values=aal2'),
  '`/auth/verify` `signed-out=redirect`, without `LOGIN_URL`': (test) =>
    verify(test, { cookie: '', accept: 'text/html' }, '?signed-out=redirect'),
  '`/auth/verify` `audience=…`, without `ACCESS_TOKEN_AUDIENCES`': (test) => verify(test, {}, '?audience=router'),
  '`/auth/verify` the database does not answer': (test) => {
    breakDatabase(test);
    return verify(test);
  },
  '`HEAD /auth/verify` no token': (test) => ({ ...verify(test, { cookie: '' }), method: 'HEAD' }),
  '`/auth/hasura` no token': () => ({ path: '/auth/hasura' }),
  '`/auth/hasura` a body without `headers`': () => ({ path: '/auth/hasura', method: 'POST', body: '{}' }),
  '`/auth/hasura` another method': () => ({ path: '/auth/hasura', method: 'PUT' }),
  '`/.well-known/jwks.json` no `ENCRYPTION_KEYS`': () => ({ path: '/.well-known/jwks.json' }),
  '`/.well-known/jwks.json` POST': () => ({ path: '/.well-known/jwks.json', method: 'POST' }),
  '`accessToken` over GraphQL, without `ACCESS_TOKEN_AUDIENCES`': async ({ api }) => {
    const { token } = await api.signUp('bob@example.com', 'BEARER');
    const query = 'mutation { accessToken(audience: "router") { ... on UserError { code message } } }';
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return { path: '/graphql', method: 'POST', body: JSON.stringify({ query }), headers };
  },
  'any path, another `Host`': (test) => verify(test, { host: 'other.example' }),
};

/** Sends a request over a socket, also with headers that `fetch` does not allow. The body of an answer may be missing. */
async function answerTo({ api }: Case, { path, body = '', method = 'GET', headers = {} }: Send) {
  const { port, stop } = await listen(api.app, { host: '127.0.0.1', port: 0 });
  const length = method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = send({ port, path, method, headers: { ...length, ...headers }, agent: false }, resolve);
    outgoing.on('error', reject).end(body);
  });
  const content = await text(response);
  await stop();
  const parsed: Data = content === '' ? {} : JSON.parse(content);
  return { status: response.statusCode ?? 0, headers: response.headers, body: parsed };
}

/** The rows of the table: what is sent, and the answer. */
const rows = [...(page.split('\n## Bad input\n')[1] ?? '').matchAll(/^\| (.+) \| (\d{3}) \| (.+) \| (.+) \|$/gm)].map(
  ([, request = '', ...answer]) => ({ request, answer }),
);

describe('the table of bad input in docs/your-backend.md', () => {
  it('has a row for every request', () => {
    expect(rows.map(({ request }) => request)).toEqual(Object.keys(requests));
  });

  it.each(Object.keys(requests))('has the answer to %s', async (request) => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com');
    const service = await createService(api, 'introspect');
    const test = { api, service, cookie: ada.cookie ?? '' };
    const { status, headers, body } = await answerTo(test, (await requests[request]?.(test)) ?? { path: '' });
    const refusal = body.errors?.[0] ?? body.data?.accessToken ?? body;
    const code = refusal.error ?? refusal.code ?? refusal.extensions?.code;
    const sentence = refusal.error_description ?? refusal.message;
    const answer = [String(status), code && `\`${code}\``, sentence].map((cell) => cell ?? '–');
    expect(rows.find((row) => row.request === request)?.answer).toEqual(answer);
    const promised = { 401: 'www-authenticate', 405: 'allow', 503: 'retry-after' }[status];
    if (promised) expect(headers).toHaveProperty(promised);
    expect(api.reported).toEqual([]);
  });
});

/** The files that `npm run check:stacks` runs. That of Socket.IO is in docs/sockets.md. */
const files = filesIn('examples/stacks').filter((file) => !file.includes('/socket-io/'));

/** The code blocks of the page that configure software, with the text before each in its section. */
const blocks = codeBlocksOf(page);

describe('docs/your-backend.md', () => {
  it.each(files)('has the file %s, which npm run check:stacks runs, word for word', (file) => {
    expect(blocks.map(({ code }) => code)).toContain(readFileSync(file, 'utf8'));
  });

  it('says of all other configuration and code that it was not run', () => {
    const run = files.map((file) => readFileSync(file, 'utf8'));
    const others = blocks.filter(({ language, code }) => language !== 'sh' && !run.includes(code));
    expect(others.length).toBeGreaterThan(4);
    expect(others.filter(({ before }) => !before.includes('not run here')).map(({ code }) => code)).toEqual([]);
  });
});
