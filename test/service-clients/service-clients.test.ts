import { describe, expect, it } from 'vitest';
import { commandScope } from '../../src/scope.ts';
import { createServiceClient } from '../../src/service-clients/service-client.ts';
import { hashToken } from '../../src/tokens/token.ts';
import { type Client, startApi, type TestApi } from '../support/api.ts';

const create = `mutation ($name: String!, $scopes: [ServiceScope!]!) {
  createServiceClient(name: $name, scopes: $scopes) {
    __typename
    ... on ServiceSecretPayload { clientSecret serviceClient { id name clientId scopes lastUsedAt hasPreviousSecret } }
    ... on ValidationError { issues { path message } }
  }
}`;

const secretFields = '... on ServiceSecretPayload { clientSecret serviceClient { hasPreviousSecret } }';
const clientFields = '... on ServiceClientPayload { serviceClient { hasPreviousSecret disabledAt } }';
const changes = {
  rotateServiceSecret: secretFields,
  retireServiceSecret: clientFields,
  disableServiceClient: clientFields,
  enableServiceClient: clientFields,
  revokeServiceClient: '... on RevokeServiceClientPayload { revokedServiceClientId }',
};

function change(mutation: keyof typeof changes): string {
  return `mutation ($id: ID!) { ${mutation}(id: $id) { __typename ${changes[mutation]} } }`;
}

async function withAdmin() {
  const api = await startApi();
  const root = await api.signUpAdmin('root@example.com');
  return { api, root };
}

async function createClient(root: Client, scopes = ['USERS_READ'], name = 'my-api') {
  const { clientSecret, serviceClient } = (await root.ask(create, { name, scopes })).createServiceClient;
  return { secret: clientSecret as string, id: serviceClient.id as string, client: serviceClient };
}

/** Returns whether the server accepts a key, which it rejects explicitly if not. */
async function isAccepted(api: TestApi, key: string): Promise<boolean> {
  const { status, code } = await api.client().send('{ __typename }', {}, { 'x-service-key': key });
  if (status !== 200) expect([status, code]).toEqual([401, 'SERVICE_KEY_INVALID']);
  return status === 200;
}

describe('a service client', () => {
  it('is created by an administrator, and its secret is shown once and stored as a hash', async () => {
    const { api, root } = await withAdmin();
    const { secret, client } = await createClient(root, ['USERS_READ', 'INTROSPECT']);
    expect(secret).toMatch(new RegExp(`^gqk_${client.clientId}\\.[\\w-]{43}$`));
    expect(client).toMatchObject({ name: 'my-api', scopes: ['INTROSPECT', 'USERS_READ'], hasPreviousSecret: false });
    const row = await api.database.serviceClient.findFirstOrThrow();
    expect(row).toMatchObject({ hashedSecret: hashToken(secret), previousHashedSecret: null });
    expect(JSON.stringify(row, (_, value) => String(value))).not.toContain(secret.split('.')[1]);
    const { nodes } = (await root.ask('{ serviceClients { nodes { name } } }')).serviceClients;
    expect(nodes).toEqual([{ name: 'my-api' }]);
  });

  it.each([
    ['a name that is taken', 'my-api', ['INTROSPECT'], 'name'],
    ['a name with a space', 'my api', ['INTROSPECT'], 'name'],
    ['a name that may be the client id of another', '0123456789abcdef'.repeat(2), ['INTROSPECT'], 'name'],
    ['no scope', 'other', [], 'scopes'],
  ])('is refused with %s', async (_, name, scopes, path) => {
    const { root } = await withAdmin();
    await createClient(root);
    const { __typename, issues } = (await root.ask(create, { name, scopes })).createServiceClient;
    expect([__typename, issues[0].path]).toEqual(['ValidationError', [path]]);
  });

  it('keeps two secrets during a rotation, until the older one is retired', async () => {
    const { api, root } = await withAdmin();
    const { secret: first, id } = await createClient(root);
    const rotated = (await root.ask(change('rotateServiceSecret'), { id })).rotateServiceSecret;
    const second = rotated.clientSecret;
    expect(rotated.serviceClient.hasPreviousSecret).toBe(true);
    expect([await isAccepted(api, first), await isAccepted(api, second)]).toEqual([true, true]);
    await root.ask(change('retireServiceSecret'), { id });
    expect([await isAccepted(api, first), await isAccepted(api, second)]).toEqual([false, true]);
  });

  it('loses the older of two secrets at the next rotation', async () => {
    const { api, root } = await withAdmin();
    const { secret: first, id } = await createClient(root);
    const { clientSecret: second } = (await root.ask(change('rotateServiceSecret'), { id })).rotateServiceSecret;
    const { clientSecret: third } = (await root.ask(change('rotateServiceSecret'), { id })).rotateServiceSecret;
    expect(await Promise.all([first, second, third].map((key) => isAccepted(api, key)))).toEqual([false, true, true]);
  });

  it('is rejected while it is disabled, and for ever once it is revoked', async () => {
    const { api, root } = await withAdmin();
    const { secret, id } = await createClient(root);
    await root.ask(change('disableServiceClient'), { id });
    expect(await isAccepted(api, secret)).toBe(false);
    await root.ask(change('enableServiceClient'), { id });
    expect(await isAccepted(api, secret)).toBe(true);
    const { revokeServiceClient } = await root.ask(change('revokeServiceClient'), { id });
    expect(revokeServiceClient.revokedServiceClientId).toBe(id);
    expect(await isAccepted(api, secret)).toBe(false);
    const again = (await root.ask(change('enableServiceClient'), { id })).enableServiceClient;
    expect(again.__typename).toBe('ServiceClientNotFoundError');
  });

  it('rejects every text that is nearly its secret', async () => {
    const { api, root } = await withAdmin();
    const { secret } = await createClient(root);
    const [head = '', tail = ''] = secret.split('.');
    const flipped = `${head}.${tail.startsWith('A') ? 'B' : 'A'}${tail.slice(1)}`;
    const wrong = [
      '',
      ' ',
      head,
      tail,
      flipped,
      secret.slice(4),
      `${secret}A`,
      secret.toUpperCase(),
      'x'.repeat(5_000),
    ];
    for (const key of wrong) expect([key, await isAccepted(api, key)]).toEqual([key, false]);
    expect(await isAccepted(api, secret)).toBe(true);
  });

  it('has its last use recorded once a minute', async () => {
    const { api, root } = await withAdmin();
    const { secret } = await createClient(root);
    const lastUse = async () => (await api.database.serviceClient.findFirstOrThrow()).lastUsedAt?.getTime() ?? null;
    expect(await lastUse()).toBeNull();
    const first = api.clock.now.getTime();
    const seen: (number | null)[] = [];
    for (const seconds of [0, 59, 60]) {
      api.clock.now = new Date(first + seconds * 1_000);
      await isAccepted(api, secret);
      seen.push(await lastUse());
    }
    expect(seen).toEqual([first, first, first + 60_000]);
  });

  it('leaves its changes in the audit events, which administrators read', async () => {
    const { root } = await withAdmin();
    const { id } = await createClient(root);
    const acts = ['rotateServiceSecret', 'retireServiceSecret', 'disableServiceClient', 'revokeServiceClient'] as const;
    for (const mutation of acts) {
      await root.ask(change(mutation), { id });
    }
    const { nodes } = (await root.ask('{ auditEvents(first: 5) { nodes { type detail actor { email } } } }'))
      .auditEvents;
    const actor = { email: 'root@example.com' };
    expect(nodes).toEqual([
      { type: 'SERVICE_CLIENT_REVOKED', detail: 'my-api', actor },
      { type: 'SERVICE_CLIENT_DISABLED', detail: 'my-api', actor },
      { type: 'SERVICE_SECRET_RETIRED', detail: 'my-api', actor },
      { type: 'SERVICE_SECRET_ROTATED', detail: 'my-api', actor },
      { type: 'SERVICE_CLIENT_CREATED', detail: 'my-api: users:read', actor },
    ]);
  });
});

describe('a service with a scope', () => {
  async function withService(...scopes: string[]) {
    const api = await startApi();
    const ada = await api.signUp('Ada@example.com', 'BEARER');
    const input = { name: 'my-api', scopes };
    const { secret } = await createServiceClient(api.database, commandScope(api.clock.now), input);
    const me = (await ada.ask('{ currentSession { id handle user { id } } }')).currentSession;
    const ask = (query: string, variables = {}) => api.client().send(query, variables, { 'x-service-key': secret });
    return { api, ada, me, ask };
  }

  it('users:read reads users and sessions by id, address and handle', async () => {
    const { me, ask } = await withService('users:read');
    const { data } = await ask(
      `query ($handle: String!, $user: ID!, $session: ID!) {
        session(handle: $handle) { id state user { email } }
        byId: user(by: { id: $user }) { email suspendedAt sessions { handle } }
        byEmail: user(by: { email: "ADA@example.com" }) { id }
        node(id: $session) { ... on Session { handle } }
      }`,
      { handle: me.handle, user: me.user.id, session: me.id },
    );
    expect(data).toEqual({
      session: { id: me.id, state: 'LIVE', user: { email: 'ada@example.com' } },
      byId: { email: 'ada@example.com', suspendedAt: null, sessions: [{ handle: me.handle }] },
      byEmail: { id: me.user.id },
      node: { handle: me.handle },
    });
  });

  it('users:read gets null for what does not exist, and an error unless it names a user in exactly one way', async () => {
    const { me, ask } = await withService('users:read');
    const { data } = await ask(`{
      session(handle: "\\u0000") { id }
      long: session(handle: "${'h'.repeat(5_000)}") { id }
      user(by: { email: "nobody@example.com" }) { id }
      odd: user(by: { email: "\\u0000@x" }) { id }
      other: user(by: { id: "${me.id}" }) { id }
    }`);
    expect(data).toEqual({ session: null, long: null, user: null, odd: null, other: null });
    for (const by of ['', '(by: {})', '(by: { id: "x", email: "y" })', '(by: { email: null })']) {
      expect((await ask(`{ user${by} { id } }`)).code, by).toBe('GRAPHQL_VALIDATION_FAILED');
    }
    for (const by of [null, {}, { id: 'x', email: 'y' }, { email: null }]) {
      const { data, code } = await ask('query ($by: UserBy!) { user(by: $by) { id } }', { by });
      expect({ data, code }).toEqual({ data: undefined, code: 'BAD_USER_INPUT' });
    }
  });

  it('users:read reads neither private data nor events, and ends no session', async () => {
    const { api, me, ask } = await withService('users:read');
    await api.database.session.updateMany({ data: { privateData: '{"plan":"pro"}' } });
    expect(await ask(`{ node(id: "${me.id}") { ... on Session { privateData } } }`)).toMatchObject({
      data: { node: { privateData: null } },
      errors: undefined,
    });
    expect((await ask('{ auditEvents { totalCount } }')).code).toBe('UNAUTHENTICATED');
    expect((await ask(`mutation { revoke(id: "${me.id}") { __typename } }`)).code).toBe('UNAUTHENTICATED');
    expect((await ask(`{ user(by: { id: "${me.user.id}" }) { auditEvents { totalCount } } }`)).data).toEqual({
      user: { auditEvents: null },
    });
  });

  it('introspect reads nothing over GraphQL', async () => {
    const { me, ask } = await withService('introspect');
    expect((await ask(`{ session(handle: "${me.handle}") { id } }`)).code).toBe('UNAUTHENTICATED');
    expect((await ask(`{ node(id: "${me.id}") { id } }`)).data).toEqual({ node: null });
  });

  it('session-data leaves an event for each access to private data, in the history of the user', async () => {
    const { ada, me, ask } = await withService('session-data', 'users:read');
    const read = `{ node(id: "${me.id}") { ... on Session { privateData } } }`;
    expect((await ask(read)).data).toEqual({ node: { privateData: null } });
    await ask(`mutation { setPrivateData(sessionId: "${me.id}", data: { plan: "pro" }) { __typename } }`);
    expect((await ask(read)).data).toEqual({ node: { privateData: { plan: 'pro' } } });
    const { nodes } = (await ada.ask('{ viewer { auditEvents { nodes { type detail sessionHandle isOwn } } } }')).viewer
      .auditEvents;
    const event = { detail: 'my-api', sessionHandle: me.handle, isOwn: false };
    expect(nodes.slice(0, 2)).toEqual([
      { type: 'PRIVATE_DATA_READ', ...event },
      { type: 'PRIVATE_DATA_CHANGED', ...event },
    ]);
    // Reading nothing is no access.
    expect(nodes[2].type).toBe('SIGNED_UP');
  });
});
