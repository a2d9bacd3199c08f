import SchemaBuilder from '@pothos/core';
import {
  type GraphQLArgument,
  type GraphQLField,
  getNamedType,
  graphql,
  isEnumType,
  isListType,
  isNonNullType,
  isUnionType,
  specifiedDirectives,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { directivesOf, printWithDirectives } from '../../src/graphql/field-directives.ts';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { RequiresProofPluginName, requiresProof } from '../../src/graphql/plugins/requires-proof.ts';
import { schema } from '../../src/graphql/schema.ts';
import { commandScope } from '../../src/scope.ts';
import { type Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { addApp, encryptionKeys } from '../support/second-factor.ts';

const minute = 60_000;
const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});
const marked = mutations.filter((field) => 'requiresProof' in directivesOf(field));

type Mutation = GraphQLField<unknown, unknown>;

/** Marked fields that need a proof in some cases only, each with the arguments of such a case. */
const conditional: Record<string, (ids: { session: string }) => string> = {
  revoke: ({ session }) => `(id: "${session}")`,
  startAuthenticatorApp: () => '',
  startPasskeyRegistration: () => '',
  removeAuthenticatorApp: () => '',
  createRecoveryCodes: () => '',
  requireSecondFactor: () => '(required: true)',
  deletePasskey: () => `(id: "${toNodeId('Passkey', 1n)}")`,
};

/** Returns any value of the type of an argument. */
function anyValueOf({ type }: GraphQLArgument): string {
  const inner = isNonNullType(type) ? type.ofType : type;
  if (isListType(inner)) return '[]';
  if (isEnumType(inner)) return inner.getValues()[0]?.name ?? '';
  return { DateTime: '"2026-01-01T00:00:00Z"', Boolean: 'true', RevokeSessionsFilter: '{}' }[String(inner)] ?? '"none"';
}

function argumentsOf({ args }: Mutation): string {
  const given = args.filter(({ type }) => isNonNullType(type)).map((one) => `${one.name}: ${anyValueOf(one)}`);
  return given.length === 0 ? '' : `(${given.join(', ')})`;
}

const refusal = '... on ReauthenticationRequiredError { code level withinSeconds methods }';

/** Sends a mutation, and returns its result. */
async function refusalOf(client: Client, name: string, args = ''): Promise<Data> {
  return (await client.ask(`mutation { ${name}${args} { __typename ${refusal} } }`))[name];
}

/** Sends mutations, as many at once as an operation may have. Returns their results, and the codes of those that failed. */
async function sendAll(client: Client, requests: string[]): Promise<{ data: Data; codes: string[] }> {
  const all = { data: {}, codes: [] as string[] };
  for (let first = 0; first < requests.length; first += 7) {
    const { data, errors = [] } = await client.send(`mutation { ${requests.slice(first, first + 7).join(' ')} }`);
    Object.assign(all.data, data);
    all.codes.push(...errors.map(({ extensions }: Data) => extensions.code));
  }
  return all;
}

function pass(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

async function setUp(settings: Settings = {}) {
  const api = await startApi({ encryptionKeys, ...settings });
  const ada = await api.signUp('ada@example.com');
  const root = await api.signUpAdmin('root@example.com');
  return { api, ada, root };
}

const byPassword = (client: Client) => client.act('reauthenticate', { password });

async function byCode(client: Client, totpCode: string) {
  const mutation = `mutation ($answer: FactorAnswer) { reauthenticate(answer: $answer) {
    __typename ... on ReauthenticatePayload { token antiCSRFToken } } }`;
  expect((await client.ask(mutation, { answer: { totpCode } })).reauthenticate.__typename).toBe(
    'ReauthenticatePayload',
  );
}

describe('@requiresProof', () => {
  it('marks every mutation that can ask for a proof, and no other', () => {
    const asking = mutations.filter(({ type }) => {
      const result = getNamedType(type);
      return isUnionType(result) && result.getTypes().some(({ name }) => name === 'ReauthenticationRequiredError');
    });
    expect(marked.map(({ name }) => name)).toEqual(asking.map(({ name }) => name));
    expect(marked.length).toBeGreaterThan(20);
  });

  it('has the default of REAUTHENTICATE_AFTER', () => {
    const within = readConfig({}).reauthenticateAfterMs / 1_000;
    for (const field of marked) expect(directivesOf(field).requiresProof).toMatchObject({ within });
  });

  it('may have the level of an operation that needs two factors from every account', async () => {
    const builder = new SchemaBuilder({ plugins: [RequiresProofPluginName], prisma: {} as never });
    const needed = { when: 'always', level: 2 } as const;
    builder.queryType({ fields: (t) => ({ one: t.string({ requiresProof: needed, resolve: () => 'done' }) }) });
    const built = builder.toSchema({ directives: [...specifiedDirectives, requiresProof] });
    expect(printWithDirectives(built)).toContain('@requiresProof(level: 2, within: 900)');
    const { api } = await setUp();
    const session = await api.database.session.findFirstOrThrow({ include: { user: true } });
    const run = async (proofs: string) => {
      const scope = { ...commandScope(api.clock.now), session: { ...session, proofs }, presentedToken: {} };
      return graphql({ schema: built, source: '{ one }', contextValue: { caller: { scope }, config: api.config } });
    };
    const at = api.clock.now.getTime();
    expect((await run(`password@${at}`)).errors?.[0]?.message).toContain('Prove your identity again');
    expect((await run(`password@${at} totp@${at}`)).data).toEqual({ one: 'done' });
  });

  it('tells for each field which proofs a session needs, and nothing happens without them', async () => {
    const { api, ada, root } = await setUp();
    pass(api, api.config.reauthenticateAfterMs + 1);
    const { currentSession } = await ada.ask('{ currentSession { id } }');
    const requests = marked.map((field) => {
      const args = conditional[field.name]?.({ session: currentSession.id }) ?? argumentsOf(field);
      return `${field.name}${args} { __typename ${refusal} }`;
    });
    const events = await api.database.auditEvent.count();
    const { data } = await sendAll(root, requests);
    for (const { name, ...field } of marked) {
      const { within, level } = directivesOf(field).requiresProof ?? {};
      const expected = { level, withinSeconds: within, methods: ['PASSWORD'], code: 'REAUTHENTICATION_REQUIRED' };
      expect(data[name], name).toMatchObject(expected);
    }
    expect(await api.database.auditEvent.count()).toBe(events);
    await byPassword(root);
    const after = await sendAll(root, requests);
    const stillAsking = marked.filter(({ name }) => after.data[name]?.code === 'REAUTHENTICATION_REQUIRED');
    const needTwo = marked.filter((field) => directivesOf(field).requiresProof?.level === 2);
    expect(stillAsking.map(({ name }) => name)).toEqual(needTwo.map(({ name }) => name));
  });

  it('does not tell a caller without access that a proof is missing', async () => {
    const { api, ada } = await setUp();
    pass(api, api.config.reauthenticateAfterMs + 1);
    const always = marked.filter(({ name }) => !(name in conditional));
    const requests = always.map((field) => `${field.name}${argumentsOf(field)} { __typename }`);
    const codesFor = async (client: Client) => (await sendAll(client, requests)).codes;
    expect(await codesFor(ada)).toEqual(always.map(() => 'FORBIDDEN'));
    expect(await codesFor(api.client())).toEqual(always.map(() => 'UNAUTHENTICATED'));
    expect((await api.client().send('mutation { startAuthenticatorApp { __typename } }')).code).toBe('UNAUTHENTICATED');
  });
});

describe('the required level', () => {
  const act = (client: Client) => refusalOf(client, 'revokeUserSessions', '(id: "none")');

  it('is two for an account with a second factor, and proofs count together only if each is recent', async () => {
    const { api, root } = await setUp();
    const app = await addApp(api, root);
    expect((await act(root)).__typename).toBe('UserNotFoundError');
    pass(api, 16 * minute);
    const missing = { level: 2, withinSeconds: 900 };
    expect(await act(root)).toMatchObject({ ...missing, methods: ['PASSWORD', 'TOTP', 'RECOVERY_CODE'] });
    await byPassword(root);
    expect(await act(root)).toMatchObject({ ...missing, methods: ['TOTP', 'RECOVERY_CODE'] });
    pass(api, 10 * minute);
    await byCode(root, app.code());
    expect((await act(root)).__typename).toBe('UserNotFoundError');
    pass(api, 6 * minute);
    expect(await act(root)).toMatchObject({ ...missing, methods: ['PASSWORD'] });
    await byPassword(root);
    expect((await act(root)).__typename).toBe('UserNotFoundError');
    pass(api, 10 * minute);
    expect(await act(root)).toMatchObject({ ...missing, methods: ['TOTP', 'RECOVERY_CODE'] });
  });

  it('is two in a session that a trusted device has started without the second factor', async () => {
    const { api, root } = await setUp();
    await addApp(api, root);
    const session = await api.database.session.findFirstOrThrow({
      where: { user: { is: { email: 'root@example.com' } } },
    });
    const at = api.clock.now.getTime();
    const data = { authenticationMethods: 'password trusted_device', proofs: `password@${at} trusted_device@${at}` };
    await api.database.session.update({ where: { id: session.id }, data });
    expect(await act(root)).toMatchObject({ level: 2, methods: ['TOTP', 'RECOVERY_CODE'] });
  });

  it('is two for a role in REQUIRE_SECOND_FACTOR', async () => {
    const { api, root } = await setUp();
    const app = await addApp(api, root);
    await api.database.user.updateMany({ data: { secondFactorSince: null } });
    api.config.secondFactor = { ...api.config.secondFactor, requiredRoles: new Set(['admin']) };
    pass(api, 16 * minute);
    expect(await act(root)).toMatchObject({ level: 2 });
    await byPassword(root);
    expect(await act(root)).toMatchObject({ level: 2, methods: ['TOTP', 'RECOVERY_CODE'] });
    await byCode(root, app.code());
    expect((await act(root)).__typename).toBe('UserNotFoundError');
  });

  it('holds for the setting of the server, whose value the error has', async () => {
    const { api, root } = await setUp({ reauthenticateAfterMs: 5 * minute });
    pass(api, 6 * minute);
    expect(await act(root)).toMatchObject({ level: 1, withinSeconds: 300 });
  });

  it('is two before another app replaces the one of the account', async () => {
    const { api, ada } = await setUp();
    await addApp(api, ada);
    pass(api, 16 * minute);
    await byPassword(ada);
    expect(await refusalOf(ada, 'startAuthenticatorApp')).toMatchObject({
      level: 2,
      methods: ['TOTP', 'RECOVERY_CODE'],
    });
  });

  it('offers no password to an account without one', async () => {
    const { api, root } = await setUp();
    await addApp(api, root);
    await api.database.user.updateMany({ data: { hashedPassword: null } });
    pass(api, 16 * minute);
    expect(await act(root)).toMatchObject({ level: 2, methods: ['TOTP', 'RECOVERY_CODE'] });
  });
});
