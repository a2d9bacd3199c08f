/** Checks the limits of the gateway, and that it shows and passes on no more than others need. */
import assert from 'node:assert/strict';
import { sendOnce } from '../checks/client.ts';
import type { Check } from './checks.ts';
import { Client, codesOf, signUp } from './client.ts';
import { type Graph, trustedProxy } from './graph.ts';

/** Returns the checks of the limits of operations. */
export function limitChecks({ port, statements }: Graph): Check[] {
  /** Returns the errors of an operation that must not reach the server. */
  async function refuse(query: string) {
    statements.length = 0;
    const { body } = await new Client(port).send(query);
    assert.deepEqual([body.data, statements], [undefined, []]);
    return body.errors as { message: string }[];
  }

  return [
    {
      name: 'two logins in a document are refused, also in fragments, and check no password',
      async act() {
        const { email } = await signUp(port);
        const login = `login(email: "${email}", password: "wrong") { __typename }`;
        const documents = [
          `mutation { a: ${login} b: ${login} }`,
          `mutation { a: ${login} ... on Mutation { b: ${login} } }`,
          `mutation { ...Both } fragment Both on Mutation { a: ${login} ... { b: ${login} } }`,
        ];
        for (const document of documents) {
          const messages = (await refuse(document)).map(({ message }) => message);
          assert.deepEqual(messages, ['Send one mutation at a time.']);
        }
      },
    },
    {
      name: 'documents of too many tokens or levels are refused',
      async act() {
        const many = `{ ${'a: viewer { id } '.repeat(400)} }`;
        assert.match((await refuse(many))[0]?.message ?? '', /Token limit of 2000 exceeded/);
        const deep = `{ viewer { ${'orders { buyer { '.repeat(10)} id ${'} } '.repeat(10)} } }`;
        assert.match((await refuse(deep))[0]?.message ?? '', /depth limit of 20 exceeded/);
      },
    },
    {
      name: 'a request of several operations is refused',
      async act() {
        const body = JSON.stringify([{ query: '{ viewer { id } }' }, { query: '{ viewer { id } }' }]);
        const headers = { 'content-type': 'application/json' };
        assert.equal((await sendOnce(port, { method: 'POST', path: '/graphql', headers, body })).status, 400);
      },
    },
  ];
}

/** Returns the checks of what the gateway shows and passes on. */
export function exposureChecks({ port, receivedByOrders }: Graph): Check[] {
  return [
    {
      name: 'there is no GraphiQL and no other page',
      async act() {
        for (const path of ['/', '/graphql', '/graphql?query={__typename}']) {
          const { status, headers } = await sendOnce(port, { path, headers: { accept: 'text/html' } });
          assert.deepEqual([path, status >= 400, headers['content-type']], [path, true, undefined]);
        }
      },
    },
    {
      name: 'INTROSPECTION=false of the gateway hides the schema, and the suggestions of fields',
      async act() {
        const client = new Client(port);
        const { body } = await client.send('{ __schema { queryType { name } } }');
        assert.match(JSON.stringify(body), /introspection has been disabled/);
        const answer = await client.send('{ viewr { id } }');
        assert.deepEqual(codesOf(answer), ['GRAPHQL_VALIDATION_FAILED']);
        assert.doesNotMatch(JSON.stringify(answer.body), /Did you mean/);
      },
    },
    {
      name: 'behind a trusted proxy, the server sees the address that the proxy reports',
      async act() {
        const query = 'mutation { startSession(transport: BEARER) { session { ipAddress } } }';
        // The client has forged the first one.
        const headers = { 'x-forwarded-for': '198.51.100.1, 192.0.2.1' };
        const { body } = await new Client(port).send(query, { headers, localAddress: trustedProxy });
        assert.deepEqual(body.data, { startSession: { session: { ipAddress: '192.0.2.1' } } });
      },
    },
    {
      name: 'the server of the orders gets the session, and neither the anti-CSRF token nor the token of the device',
      async act() {
        const { client } = await signUp(port, 'COOKIE');
        assert.deepEqual(client.cookieNames, ['__Host-device', '__Host-session']);
        receivedByOrders.length = 0;
        const headers = { 'x-device-token': 'nonsense' };
        const { body } = await client.send('mutation { placeOrder(item: "Tea") { item } }', { headers });
        assert.deepEqual(body, { data: { placeOrder: { item: 'Tea' } } });
        assert.equal(receivedByOrders.length, 1);
        for (const { cookie = '', ...received } of receivedByOrders) {
          assert.match(cookie, /^__Host-session=[^;]+$/);
          assert.deepEqual([received['anti-csrf'], received['x-device-token']], [undefined, undefined]);
        }
      },
    },
  ];
}
