import { describe, expect, it } from 'vitest';
import { type Data, startApi, type TestApi } from '../support/api.ts';
import { basic, createService } from '../support/oauth.ts';
import { createReceiver, pollPath, startSigningApi, type TestReceiver } from '../support/security-events.ts';

type Case = { api: TestApi; receiver: TestReceiver };

const json = { 'content-type': 'application/json' };
const ids = (count: number) => Array.from({ length: count }, (_, n) => `${n + 1}.a.b`);

/** Sends a request that is none of a receiver. */
async function send({ api }: Case, init: RequestInit) {
  const response = await api.app.fetch(new Request(new URL(pollPath, api.config.publicUrl), init));
  return { status: response.status, headers: response.headers, body: (await response.json()) as Data };
}

const getMetadata = ({ app, config }: TestApi) =>
  app.fetch(new Request(new URL('/.well-known/ssf-configuration', config.publicUrl)));

const invalid = 'invalid_request';

/** The requests that are refused, with the status and the error code. */
const refused: [
  problem: string,
  ask: (test: Case) => Promise<{ status: number; body: Data }>,
  status: number,
  err: string,
][] = [
  ['another method', (test) => send(test, { headers: { authorization: test.receiver.authorization } }), 405, invalid],
  [
    'a form',
    ({ receiver }) => receiver.poll('a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
    415,
    invalid,
  ],
  ['a compressed body', ({ receiver }) => receiver.poll('{}', { 'content-encoding': 'gzip' }), 415, invalid],
  ['no credentials', (test) => send(test, { method: 'POST', headers: json, body: '{}' }), 401, 'authentication_failed'],
  [
    'the session token of a user',
    async ({ api, receiver }) => {
      const { token } = await api.signUp('ada@example.com', 'BEARER');
      return receiver.poll({}, { authorization: `Bearer ${token}` });
    },
    401,
    'authentication_failed',
  ],
  [
    'a wrong secret',
    ({ receiver }) => receiver.poll({}, { authorization: basic(receiver.clientId, `${receiver.secret}x`) }),
    401,
    'authentication_failed',
  ],
  [
    'a disabled client',
    async ({ api, receiver }) => {
      await api.database.serviceClient.updateMany({ data: { disabledAt: api.clock.now } });
      return receiver.poll();
    },
    401,
    'authentication_failed',
  ],
  [
    'another scope',
    async ({ api, receiver }) => {
      const { authorization } = await createService(api, 'introspect', 'users:read', 'session-data');
      return receiver.poll({}, { authorization });
    },
    403,
    'access_denied',
  ],
  ['no JSON', ({ receiver }) => receiver.poll('{'), 400, invalid],
  ['a list', ({ receiver }) => receiver.poll('[]'), 400, invalid],
  ['null', ({ receiver }) => receiver.poll('null'), 400, invalid],
  ['a negative maxEvents', ({ receiver }) => receiver.poll({ maxEvents: -1 }), 400, invalid],
  ['a broken maxEvents', ({ receiver }) => receiver.poll({ maxEvents: 0.5 }), 400, invalid],
  ['a maxEvents in quotes', ({ receiver }) => receiver.poll({ maxEvents: '1' }), 400, invalid],
  ['returnImmediately in quotes', ({ receiver }) => receiver.poll({ returnImmediately: 'true' }), 400, invalid],
  ['an ack that is no list', ({ receiver }) => receiver.poll({ ack: 'a' }), 400, invalid],
  ['an ack of numbers', ({ receiver }) => receiver.poll({ ack: [1] }), 400, invalid],
  ['an ack of a long text', ({ receiver }) => receiver.poll({ ack: ['a'.repeat(201)] }), 400, invalid],
  ['too many acks', ({ receiver }) => receiver.poll({ ack: ids(1_001) }), 400, invalid],
  [
    'too many acks and errors together',
    ({ receiver }) => receiver.poll({ ack: ids(600), setErrs: Object.fromEntries(ids(401).map((id) => [id, {}])) }),
    400,
    invalid,
  ],
  ['setErrs that are a list', ({ receiver }) => receiver.poll({ setErrs: ['a'] }), 400, invalid],
  ['an error that is a text', ({ receiver }) => receiver.poll({ setErrs: { a: 'invalid_key' } }), 400, invalid],
  ['a body of 70 KB', ({ receiver }) => receiver.poll(`{"a":"${'a'.repeat(70_000)}"}`), 413, invalid],
  [
    'a database that does not answer',
    ({ api, receiver }) => {
      const fails = () => Promise.reject(Object.assign(new Error('down'), { code: 'P1001' }));
      Object.assign(api.database, { $findServiceClient: fails });
      return receiver.poll();
    },
    503,
    'temporarily_unavailable',
  ],
];

describe('the endpoint for polls', () => {
  it.each(refused)('refuses %s', async (_problem, ask, status, err) => {
    const api = await startSigningApi();
    const answer = await ask({ api, receiver: await createReceiver(api) });
    expect(answer).toMatchObject({ status, body: { err, description: expect.stringMatching(/^[A-Z].*\.$/) } });
    expect(api.reported).toEqual([]);
  });

  it('accepts the secret as a bearer token, and requests with other members', async () => {
    const api = await startSigningApi();
    const receiver = await createReceiver(api);
    const answer = await receiver.poll({ other: 1, ack: ids(1_000) }, { authorization: `Bearer ${receiver.secret}` });
    expect(answer).toMatchObject({ status: 200, body: { sets: {}, moreAvailable: false } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  it('does not exist on a server without encryption keys, like the metadata', async () => {
    const api = await startApi();
    const receiver = await createReceiver(api);
    const description =
      'This server signs no tokens, so it sends no security events. The operator sets ENCRYPTION_KEYS.';
    expect(await receiver.poll()).toMatchObject({ status: 404, body: { err: invalid, description } });
    const metadata = await getMetadata(api);
    expect([metadata.status, await metadata.json()]).toEqual([404, { message: description }]);
  });

  it('reads nothing for a request without a credential of our form', async () => {
    const api = await startSigningApi();
    const receiver = await createReceiver(api);
    api.statements.length = 0;
    for (const authorization of ['', 'Bearer x', 'Basic !', basic('a', 'b'), 'Digest x']) {
      expect((await receiver.poll({}, { authorization })).status).toBe(401);
    }
    expect(api.statements).toEqual([]);
  });

  it('costs few statements when nothing is new', async () => {
    const api = await startSigningApi();
    const receiver = await createReceiver(api);
    await receiver.poll();
    await receiver.poll();
    api.statements.length = 0;
    await receiver.poll();
    // The receiver, and the log.
    expect(api.statements.filter((sql) => !/"ServiceClient"/.test(sql))).toHaveLength(2);
  });

  it('is described by the metadata of the transmitter', async () => {
    const api = await startSigningApi();
    const response = await getMetadata(api);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      spec_version: '1_0',
      issuer: 'http://localhost:4000',
      jwks_uri: 'http://localhost:4000/.well-known/jwks.json',
      delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
      authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:7617' }, { spec_urn: 'urn:ietf:rfc:6750' }],
      default_subjects: 'ALL',
    });
  });
});
