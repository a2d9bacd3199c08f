import { isObjectType, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { accessLevels } from '../../src/graphql/plugins/access.ts';
import { printedSubgraph, schema, subgraphSchema } from '../../src/graphql/schema.ts';
import { commandScope, serviceScopes } from '../../src/scope.ts';
import { createServiceClient } from '../../src/service-clients/service-client.ts';
import { type Answer, type Client, type Data, type Settings, startApi, type TestApi } from '../support/api.ts';

const entities = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { __typename ... on User { id } ... on Session { id } }
}`;

/** Starts a server that is a subgraph. */
const startSubgraph = (settings: Settings = {}) => startApi({ federation: true, ...settings });

function lookUp(client: Client, representations: unknown, headers = {}): Promise<Answer> {
  return client.send(entities, { representations }, headers);
}

/** Sends representations as a text that need not be what JavaScript would write. */
async function lookUpJson({ app, config }: TestApi, representations: string): Promise<Pick<Answer, 'data' | 'code'>> {
  const body = `{ "query": ${JSON.stringify(entities)}, "variables": { "representations": ${representations} } }`;
  const headers = { 'content-type': 'application/json' };
  const response = await app.fetch(
    new Request(new URL('/graphql', config.publicUrl), { method: 'POST', headers, body }),
  );
  const { data, errors } = (await response.json()) as Data;
  return { data, code: errors?.[0].extensions.code };
}

async function serviceKeyOf(api: TestApi, scopes: string[]): Promise<{ 'x-service-key': string }> {
  const created = await createServiceClient(api.database, commandScope(api.clock.now), { name: scopes.join(), scopes });
  return { 'x-service-key': created.secret };
}

/** The statements that look up rows of a table by their ids. The session of the request is read in another way. */
function lookups({ statements }: TestApi, table: string): number {
  const selects = statements.filter((sql) => new RegExp(`FROM (\\S+\\.)?[\`"]${table}[\`"] WHERE`).test(sql));
  return selects.filter((sql) => /[`"]id[`"] (=|IN)/.test(sql)).length;
}

describe('FEDERATION', () => {
  it('is off by default, and the schema has none of its names', async () => {
    const api = await startApi();
    const names = Object.keys(schema.getTypeMap()).filter((name) => /^_[^_]/.test(name));
    expect(names).toEqual([]);
    expect(Object.keys(schema.getQueryType()?.getFields() ?? {}).filter((name) => name.startsWith('_'))).toEqual([]);
    for (const query of ['{ _service { sdl } }', '{ _entities(representations: []) { __typename } }']) {
      const { data, errors } = await api.client().send(query);
      expect(data).toBeUndefined();
      expect(errors[0].message).toMatch(/^Cannot query field "_(service|entities)" on type "Query"\./);
    }
  });

  it('adds two queries and nothing else', () => {
    const fieldsOf = (type: typeof schema) => Object.keys(type.getQueryType()?.getFields() ?? {});
    expect(fieldsOf(subgraphSchema).filter((name) => !fieldsOf(schema).includes(name))).toEqual([
      '_entities',
      '_service',
    ]);
    const typesOf = (of: typeof schema) => Object.keys(of.getTypeMap());
    expect(typesOf(subgraphSchema).filter((name) => !typesOf(schema).includes(name))).toEqual([
      '_Any',
      '_Entity',
      '_Service',
    ]);
    expect(typesOf(schema).filter((name) => !typesOf(subgraphSchema).includes(name))).toEqual([]);
  });

  it('says of every field who may use it', () => {
    const objects = Object.values(subgraphSchema.getTypeMap()).filter((type) => isObjectType(type));
    const fields = objects
      .filter(({ name }) => !name.startsWith('__'))
      .flatMap((type) => Object.values(type.getFields()));
    expect(fields.filter(({ extensions }) => !(String(extensions.access) in accessLevels))).toEqual([]);
  });
});

/** Returns clients of each kind, with references to objects of each kind. */
async function subgraphWithCallers() {
  const api = await startSubgraph();
  const ada = await api.signUp('ada@example.com', 'BEARER');
  const elsewhere = api.client();
  const { session: ended } = await elsewhere.login('ada@example.com', 'BEARER');
  await elsewhere.act('logout');
  const bob = await api.signUp('bob@example.com', 'BEARER');
  const root = await api.signUpAdmin('root@example.com');
  const visitor = api.client();
  const { startSession } = await visitor.ask('mutation { startSession(transport: BEARER) { token session { id } } }');
  visitor.token = startSession.token;
  const idsOf = (client: Client) => client.ask('{ viewer { id } currentSession { id } }');
  const [ofAda, ofBob] = [await idsOf(ada), await idsOf(bob)];
  const references = {
    "Ada's user": { __typename: 'User', id: ofAda.viewer.id },
    "Ada's session": { __typename: 'Session', id: ofAda.currentSession.id },
    "Ada's ended session": { __typename: 'Session', id: ended.id },
    "Bob's user": { __typename: 'User', id: ofBob.viewer.id },
    "Bob's session": { __typename: 'Session', id: ofBob.currentSession.id },
    "the visitor's session": { __typename: 'Session', id: startSession.session.id },
    'no user': { __typename: 'User', id: toNodeId('User', 9_999n) },
    'no session': { __typename: 'Session', id: toNodeId('Session', 9_999n) },
    'no ID': { __typename: 'User', id: 'nonsense' },
  };
  const callers: Record<string, { client: Client; headers?: Record<string, string> }> = {
    'no session': { client: api.client() },
    'the visitor': { client: visitor },
    Ada: { client: ada },
    Bob: { client: bob },
    'an administrator': { client: root },
    'a service': { client: api.client(), headers: await serviceKeyOf(api, ['users:read']) },
    'a service without the scope': { client: api.client(), headers: await serviceKeyOf(api, ['introspect']) },
  };
  return { api, references, callers };
}

const everything = ["Ada's user", "Ada's session", "Ada's ended session", "Bob's user", "Bob's session"];

/** The objects that each caller sees. */
const visible: Record<string, string[]> = {
  'no session': [],
  'the visitor': ["the visitor's session"],
  Ada: ["Ada's user", "Ada's session", "Ada's ended session"],
  Bob: ["Bob's user", "Bob's session"],
  'an administrator': [...everything, "the visitor's session"],
  'a service': [...everything, "the visitor's session"],
  'a service without the scope': [],
};

describe('_entities', () => {
  it('returns to each caller the objects that nodes returns', async () => {
    const { api, references, callers } = await subgraphWithCallers();
    const representations = Object.values(references);
    const ids = representations.map(({ id }) => id);
    expect(Object.keys(callers)).toEqual(Object.keys(visible));
    for (const [caller, { client, headers }] of Object.entries(callers)) {
      const { data, errors } = await lookUp(client, representations, headers);
      expect(errors).toBeUndefined();
      const seen = Object.keys(references).filter((_, index) => data._entities[index] !== null);
      expect({ caller, seen }).toEqual({ caller, seen: visible[caller] });
      const nodes = await client.send('query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }', { ids }, headers);
      expect({ caller, found: data._entities }).toEqual({ caller, found: nodes.data.nodes });
    }
    expect(api.reported).toEqual([]);
  });

  it('takes references as literals, with variables in them, and other members', async () => {
    const { references, callers } = await subgraphWithCallers();
    const { id } = references["Ada's user"];
    const query = `query ($id: ID!) { _entities(representations: [
      { __typename: "User", id: "${id}", email: "other@example.com", orders: [{ id: 1 }] }
      { __typename: "User", id: $id }
    ]) { ... on User { id email } } }`;
    const found = { id, email: 'ada@example.com' };
    expect(await callers.Ada?.client.ask(query, { id })).toEqual({ _entities: [found, found] });
  });

  it('is null for the ID of an object of another type', async () => {
    const { references, callers } = await subgraphWithCallers();
    const [user, session] = [references["Ada's user"], references["Ada's session"]];
    const event = toNodeId('AuditEvent', 1n);
    const swapped = [
      { __typename: 'Session', id: user.id },
      { __typename: 'User', id: session.id },
      { __typename: 'User', id: event },
    ];
    const client = callers['an administrator']?.client as Client;
    expect((await lookUp(client, swapped)).data).toEqual({ _entities: [null, null, null] });
  });

  it('looks up all objects of one type by one statement, also for several aliases', async () => {
    const { api, references, callers } = await subgraphWithCallers();
    const representations = [...Object.values(references), ...Object.values(references)];
    const root = callers['an administrator']?.client as Client;
    api.statements.length = 0;
    const { data } = await lookUp(root, representations);
    expect(data._entities.filter((entity: unknown) => entity !== null)).toHaveLength(12);
    expect([lookups(api, 'User'), lookups(api, 'Session')]).toEqual([1, 1]);
    api.statements.length = 0;
    const alias = (name: string) => `${name}: _entities(representations: $r) { ... on User { id sessions { id } } }`;
    await root.ask(`query ($r: [_Any!]!) { ${alias('one')} ${alias('two')} }`, { r: Object.values(references) });
    expect([lookups(api, 'User'), lookups(api, 'Session')]).toEqual([1, 1]);
  });

  it('returns fields with rules of their own as nodes does', async () => {
    const { references, callers } = await subgraphWithCallers();
    const fields =
      '... on User { suspendedAt auditEvents { totalCount } sessions { handle } } ... on Session { privateData user { id } }';
    const query = `query ($r: [_Any!]!, $ids: [ID!]!) {
      _entities(representations: $r) { ${fields} } nodes(ids: $ids) { ${fields} }
    }`;
    for (const { client, headers } of Object.values(callers)) {
      for (const reference of Object.values(references)) {
        const { data, errors = [] } = await client.send(query, { r: [reference], ids: [reference.id] }, headers);
        expect(data._entities).toEqual(data.nodes);
        const codesOf = (field: string) =>
          errors
            .filter(({ path }: { path: string[] }) => path[0] === field)
            .map(({ extensions }: { extensions: { code: string } }) => extensions.code);
        expect(codesOf('_entities')).toEqual(codesOf('nodes'));
      }
    }
  });
});

const malformed: Record<string, unknown> = {
  'a text': 'User',
  'a number': 1,
  'a list': [{ __typename: 'User', id: 'x' }],
  'an empty object': {},
  'no ID': { __typename: 'User' },
  'no type': { id: 'x' },
  'a numeric ID': { __typename: 'User', id: 1 },
  'a list as the ID': { __typename: 'User', id: ['x'] },
  'an unknown type': { __typename: 'Order', id: 'x' },
  'a type that is no entity': { __typename: 'AuditEvent', id: toNodeId('AuditEvent', 1n) },
  'an interface': { __typename: 'Node', id: 'x' },
  'an inherited member as the type': { __typename: 'constructor', id: 'x' },
  'the prototype as the type': { __typename: '__proto__', id: 'x' },
};

describe('a malformed representation', () => {
  it('is bad input, for every client', async () => {
    const api = await startSubgraph();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (const [name, representation] of Object.entries(malformed)) {
      for (const client of [api.client(), ada]) {
        const { code, data, errors } = await lookUp(client, [{ __typename: 'User', id: 'x' }, representation]);
        expect({ name, code, data, message: errors?.[0].message }).toEqual({
          name,
          code: 'BAD_USER_INPUT',
          data: null,
          message:
            'The representation at index 1 is not { "__typename": …, "id": … } with the ID of a User or Session.',
        });
      }
    }
    expect(api.reported).toEqual([]);
  });

  it('has its members neither from its prototype nor into other objects', async () => {
    const api = await startSubgraph();
    expect((await lookUpJson(api, '[{ "__proto__": { "__typename": "User", "id": "x" } }]')).code).toBe(
      'BAD_USER_INPUT',
    );
    const query = '{ _entities(representations: [{ __proto__: { __typename: "User", id: "x" } }]) { __typename } }';
    expect((await api.client().send(query)).code).toBe('BAD_USER_INPUT');
    const polluting =
      '{ "__typename": "User", "id": "x", "__proto__": { "polluted": 1 }, "constructor": { "prototype": {} } }';
    expect((await lookUpJson(api, `[${polluting}]`)).data).toEqual({ _entities: [null] });
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('_entities for a client without a credential', () => {
  const nobody = { __typename: 'User', id: toNodeId('User', 1n) };

  it('takes at most a hundred representations', async () => {
    const api = await startSubgraph();
    const client = api.client();
    expect(
      (
        await lookUp(
          client,
          Array.from({ length: 100 }, () => nobody),
        )
      ).data._entities,
    ).toHaveLength(100);
    const { code, errors } = await lookUp(
      client,
      Array.from({ length: 101 }, () => nobody),
    );
    expect({ code, message: errors[0].message }).toEqual({
      code: 'BAD_USER_INPUT',
      message: '_entities takes at most 100 IDs, and got 101.',
    });
    // Refused by its complexity, before anything is looked at.
    expect(
      (
        await lookUp(
          client,
          Array.from({ length: 1_100 }, () => nobody),
        )
      ).errors[0].message,
    ).toMatch(/complexity/);
  });

  it('counts each representation as a field, for every alias', async () => {
    const api = await startSubgraph();
    const ada = await api.signUp('ada@example.com');
    const representations = Array.from({ length: 100 }, () => nobody);
    const times = (count: number) =>
      `query ($r: [_Any!]!) { ${Array.from({ length: count }, (_, n) => `a${n}: _entities(representations: $r) { __typename }`).join(' ')} }`;
    for (const client of [api.client(), ada]) {
      expect((await client.send(times(14), { r: representations })).code).toBeUndefined();
      api.statements.length = 0;
      const refused = await client.send(times(30), { r: representations });
      expect(refused.code).toBe('BAD_USER_INPUT');
      expect(refused.errors[0].message).toMatch(/complexity/);
      expect(lookups(api, 'User')).toBe(0);
    }
  });

  it('sends no statement for a hundred aliases', async () => {
    const api = await startSubgraph();
    const aliases = Array.from({ length: 100 }, (_, n) => `a${n}: _entities(representations: $r) { __typename }`);
    api.statements.length = 0;
    const session = { __typename: 'Session', id: toNodeId('Session', 1n) };
    const data = await api.client().ask(`query ($r: [_Any!]!) { ${aliases.join(' ')} }`, { r: [nobody, session] });
    expect(Object.values(data)).toEqual(aliases.map(() => [null, null]));
    expect(api.statements).toEqual([]);
  });

  it('takes deep and large values without an exception', async () => {
    const api = await startSubgraph();
    const client = api.client();
    const nestedLists = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const nestedObjects = (levels: number) => `${'{a:'.repeat(levels)}1${'}'.repeat(levels)}`;
    // As deep as the maximum of tokens allows.
    for (const value of [nestedLists(980), nestedObjects(490)]) {
      const literal = `{ _entities(representations: [{ __typename: "User", id: "x", a: ${value} }]) { __typename } }`;
      expect(await client.ask(literal)).toEqual({ _entities: [null] });
      const asReference = `{ _entities(representations: [${value}]) { __typename } }`;
      expect((await client.send(asReference)).code).toBe('BAD_USER_INPUT');
    }
    const [lists, objects] = [nestedLists(15_000), nestedObjects(10_000).replaceAll('a', '"a"')];
    for (const value of [lists, objects]) {
      const other = `[{ "__typename": "User", "id": "x", "other": ${value} }]`;
      expect((await lookUpJson(api, other)).data).toEqual({ _entities: [null] });
      expect((await lookUpJson(api, `[${value}]`)).code).toBe('BAD_USER_INPUT');
    }
    const long = 'x'.repeat(50_000);
    const { errors } = await lookUp(client, [{ __typename: long, id: long }]);
    expect(JSON.stringify(errors).length).toBeLessThan(1_000);
    expect(api.reported).toEqual([]);
  });
});

describe('_service', () => {
  const query = '{ _service { sdl } }';

  it('has the text of print-schema --subgraph', async () => {
    const api = await startSubgraph();
    expect(await api.client().ask(query)).toEqual({ _service: { sdl: printedSubgraph() } });
  });

  it('has the age of proofs that this server accepts', async () => {
    const api = await startSubgraph({ reauthenticateAfterMs: 300_000 });
    const { sdl } = (await api.client().ask(query))._service;
    expect(sdl).toContain('): RevokeResult @requiresProof(level: 1, within: 300) @semanticNonNull\n');
    expect(sdl).not.toContain('within: 900');
  });

  it('is closed to strangers if introspection is off', async () => {
    const api = await startSubgraph({ introspection: false });
    const ada = await api.signUp('ada@example.com', 'BEARER');
    for (const client of [api.client(), ada]) {
      const { data, code } = await client.send(query);
      expect({ data, code }).toEqual({ data: null, code: 'FORBIDDEN' });
    }
    const root = await api.signUpAdmin('root@example.com');
    expect((await root.ask(query))._service.sdl).toContain('@key');
    for (const scope of Object.keys(serviceScopes)) {
      const { data } = await api.client().send(query, {}, await serviceKeyOf(api, [scope]));
      expect(data._service.sdl).toContain('@key');
    }
  });

  it('is sent once for an operation', async () => {
    const api = await startSubgraph();
    for (const twice of ['{ a: _service { sdl } b: _service { sdl } }', '{ _service { a: sdl b: sdl } }']) {
      const { code, errors } = await api.client().send(twice);
      expect({ code, message: errors[0].message }).toEqual({
        code: 'BAD_USER_INPUT',
        message: expect.stringMatching(/^The complexity of this operation/),
      });
    }
  });
});

describe('the text of the subgraph', () => {
  it('has the keys of entities, and none of the queries that several servers of a graph would have', () => {
    const text = printedSubgraph();
    expect(() => parse(text)).not.toThrow();
    expect(text).toMatch(
      /^extend schema @link\(url: "https:\/\/specs.apollo.dev\/federation\/v2.9", import: \["@key", "@shareable"\]\)\n/,
    );
    for (const type of ['User', 'Session']) expect(text).toContain(`type ${type} implements Node @key(fields: "id") {`);
    expect(text).toContain('type PageInfo @shareable {');
    expect(text).not.toMatch(/^ {2}nodes?\(/m);
    expect(text).not.toMatch(/_entities|_service|_Any|_Entity|_Service/);
  });
});
