/** Checks the graph through the gateway, as its clients see it. */
import assert from 'node:assert/strict';
import type { Transport } from '../checks/client.ts';
import type { Check } from './checks.ts';
import { Client, codesOf, password, signUp } from './client.ts';
import type { Graph } from './graph.ts';

/** A check for each place of the session token. */
function forBoth(name: string, act: (transport: Transport) => Promise<void>): Check[] {
  const places = { COOKIE: 'cookie', BEARER: 'bearer token' } as const;
  return (['COOKIE', 'BEARER'] as const).map((transport) => ({
    name: `${name}, by ${places[transport]}`,
    act: () => act(transport),
  }));
}

/** Returns the checks of signing in and out through the gateway. */
export function sessionChecks({ port }: Graph): Check[] {
  return [
    ...forBoth('sign-up, login and logout', async (transport) => {
      const { client, email, userId } = await signUp(port, transport);
      assert.deepEqual((await client.ask('{ viewer { id email } }')).viewer, { id: userId, email });
      await client.ask('mutation { logout { revokedSessionId } }');
      assert.deepEqual(await client.ask('{ viewer { id } }'), { viewer: null });
      assert.equal((await client.signIn('login', email, transport)).viewer.id, userId);
      assert.deepEqual((await client.ask('{ viewer { id } }')).viewer, { id: userId });
    }),
    {
      name: 'the cookies of a login reach the browser, and the cookie of a session that ends is deleted',
      async act() {
        const { client } = await signUp(port, 'COOKIE');
        assert.deepEqual(client.cookieNames, ['__Host-device', '__Host-session']);
        await client.ask('mutation { logout { revokedSessionId } }');
        assert.deepEqual(client.cookieNames, ['__Host-device']);
      },
    },
    {
      name: 'anti-csrf reaches the server: a mutation with the cookie and without the token is refused',
      async act() {
        const { client } = await signUp(port, 'COOKIE');
        const rename = 'mutation { updateProfile(name: "Ada") { ... on ViewerPayload { viewer { name } } } }';
        assert.deepEqual((await client.ask(rename)).updateProfile, { viewer: { name: 'Ada' } });
        client.forgetAntiCSRFToken();
        assert.deepEqual(codesOf(await client.send(rename)), ['CSRF_TOKEN_INVALID']);
        assert.equal((await client.ask('{ viewer { name } }')).viewer.name, 'Ada');
      },
    },
    ...forBoth('a revocation from another device affects the next request, in both servers', async (transport) => {
      const { client, email, sessionId } = await signUp(port, transport);
      const other = new Client(port);
      await other.signIn('login', email, 'BEARER');
      const order = 'mutation { placeOrder(item: "Tea") { item } }';
      assert.deepEqual(await client.ask(order), { placeOrder: { item: 'Tea' } });
      await other.ask(`mutation { revoke(id: "${sessionId}") { __typename } }`);
      assert.deepEqual(codesOf(await client.send(order)), ['UNAUTHENTICATED']);
      assert.deepEqual(await client.ask('{ viewer { id } }'), { viewer: null });
    }),
    {
      name: 'refusals keep their types and codes',
      async act() {
        const { client, email } = await signUp(port);
        const wrong = `mutation { login(email: "${email}", password: "wrong") {
          __typename ... on UserError { code message } ... on ValidationError { issues { path } } } }`;
        const { login } = await client.ask(wrong);
        assert.deepEqual([login.__typename, login.code], ['InvalidCredentialsError', 'INVALID_CREDENTIALS']);
        const short =
          'mutation { signUp(email: "x", password: "short") { ... on ValidationError { issues { path } } } }';
        assert.deepEqual(
          (await client.ask(short)).signUp.issues.map(({ path }: { path: string[] }) => path[0]).sort(),
          ['email', 'password'],
        );
        assert.deepEqual(codesOf(await client.send('{ users { totalCount } }')), ['FORBIDDEN']);
        const change = `mutation { changePassword(currentPassword: "${password}", newPassword: "x") { __typename } }`;
        assert.deepEqual(codesOf(await new Client(port).send(change)), ['UNAUTHENTICATED']);
      },
    },
    {
      name: 'pages of other sites and origins are refused, and may read no answer',
      async act() {
        const { client } = await signUp(port, 'COOKIE');
        // New browsers send the first, old ones the second.
        const foreign = [{ 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example.com' }];
        for (const headers of foreign) {
          const answer = await client.send('{ viewer { email } }', { headers });
          assert.deepEqual([codesOf(answer), answer.body.data ?? { viewer: null }], [['FORBIDDEN'], { viewer: null }]);
          assert.deepEqual(
            Object.keys(answer.headers).filter((name) => name.startsWith('access-control-')),
            [],
          );
        }
      },
    },
    {
      name: 'the server sees the address of the client, and no forged one',
      async act() {
        const query = 'mutation { startSession(transport: BEARER) { session { ipAddress } } }';
        const extra = { headers: { 'x-forwarded-for': '192.0.2.1' }, localAddress: '127.0.0.2' };
        const { body } = await new Client(port).send(query, extra);
        assert.deepEqual(body.data, { startSession: { session: { ipAddress: '127.0.0.2' } } });
      },
    },
  ];
}

/** Returns the checks of operations that need both servers. */
export function joiningChecks({ port, database, statements }: Graph): Check[] {
  async function signUpAdmin() {
    const admin = await signUp(port);
    await database.user.update({ where: { email: admin.email }, data: { role: 'admin' } });
    return admin;
  }

  /** Returns the number of statements of this server for an operation. */
  async function countStatements(client: Client, query: string): Promise<number> {
    statements.length = 0;
    await client.ask(query);
    return statements.length;
  }

  return [
    ...forBoth('the orders of the viewer', async (transport) => {
      const { client, email } = await signUp(port, transport);
      await client.ask('mutation { placeOrder(item: "Coffee") { id } }');
      assert.deepEqual(await client.ask('{ viewer { email orders { item buyer { email } } } }'), {
        viewer: { email, orders: [{ item: 'Coffee', buyer: { email } }] },
      });
    }),
    {
      name: 'the buyers of other orders are hidden from users, and shown to administrators',
      async act() {
        const { client: buyer, email, userId } = await signUp(port);
        await buyer.ask('mutation { placeOrder(item: "Tea") { id } }');
        const firstOf = async (client: Client, selection: string) => {
          const { body } = await client.send(`{ latestOrders { buyer { ${selection} } } }`);
          const { latestOrders } = body.data as { latestOrders: { buyer: unknown }[] };
          return { buyer: latestOrders[0]?.buyer, hasErrors: body.errors !== undefined };
        };
        const { client: admin } = await signUpAdmin();
        const shown = { buyer: { email, orders: null }, hasErrors: false };
        assert.deepEqual(await firstOf(admin, 'email orders { id }'), shown);
        for (const client of [(await signUp(port)).client, new Client(port)]) {
          // A user has an email: without it, there is none.
          assert.deepEqual(await firstOf(client, 'email'), { buyer: null, hasErrors: true });
          const known = { buyer: { id: userId, name: null }, hasErrors: false };
          assert.deepEqual(await firstOf(client, 'id name'), known);
        }
      },
    },
    {
      name: 'the buyers of many orders: one statement',
      async act() {
        const { client } = await signUpAdmin();
        const placeOrder = async () => {
          const { client: buyer } = await signUp(port);
          await buyer.ask('mutation { placeOrder(item: "Cake") { id } }');
        };
        const [plain, joined] = ['{ latestOrders { item } }', '{ latestOrders { item buyer { email } } }'];
        await placeOrder();
        const before = (await countStatements(client, joined)) - (await countStatements(client, plain));
        for (let count = 0; count < 5; count += 1) await placeOrder();
        const after = (await countStatements(client, joined)) - (await countStatements(client, plain));
        // That of the session, and that of the users.
        assert.deepEqual([before, after], [2, 2]);
      },
    },
    {
      name: 'two users who ask the same at once get their own answers',
      async act() {
        const users = [await signUp(port, 'COOKIE'), await signUp(port), await signUp(port, 'COOKIE')];
        const asked = Array.from({ length: 30 }, (_, n) => users[n % users.length] as (typeof users)[number]);
        const answers = await Promise.all(
          asked.map(({ client }) => client.ask('{ viewer { email } latestOrders { id } }')),
        );
        assert.deepEqual(
          answers.map(({ viewer }) => viewer.email),
          asked.map(({ email }) => email),
        );
      },
    },
    {
      name: '_entities and _service do not pass the gateway, and neither does the key of a service',
      async act() {
        const client = new Client(port);
        for (const query of ['{ _service { sdl } }', '{ _entities(representations: []) { __typename } }']) {
          assert.match(JSON.stringify((await client.send(query)).body), /Cannot query field \\"_(service|entities)\\"/);
        }
        const answer = await client.send('{ viewer { id } }', { headers: { 'x-service-key': 'nonsense' } });
        assert.deepEqual(answer.body.data, { viewer: null });
      },
    },
  ];
}
