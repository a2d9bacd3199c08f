import SchemaBuilder from '@pothos/core';
import { isObjectType, type OperationTypeNode } from 'graphql';
import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { AccessPluginName, accessLevels } from '../../src/graphql/plugins/access.ts';
import { isSemanticNonNull } from '../../src/graphql/plugins/semantic-non-null.ts';
import { schema } from '../../src/graphql/schema.ts';
import { commandScope, serviceScopes } from '../../src/scope.ts';
import { createServiceClient } from '../../src/service-clients/service-client.ts';
import { type Answer, type Client, startApi } from '../support/api.ts';
import { encryptionKeysOf } from '../support/encryption-keys.ts';
import { subscribe } from '../support/event-source.ts';
import { passkeyRow } from '../support/passkeys.ts';

/** The secret of a service client with all scopes. */
let serviceKey = '';

describe('access of a field', () => {
  it('is declared for every field', () => {
    const objects = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type));
    const fields = objects
      .filter(({ name }) => !name.startsWith('__'))
      .flatMap((type) =>
        Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, field.extensions.access]),
      );
    expect(fields.length).toBeGreaterThan(100);
    expect(fields.filter(([, access]) => !(String(access) in accessLevels))).toEqual([]);
  });

  it('is required for building the schema', () => {
    // The types of all plugins hold for every builder of a program.
    const builder = new SchemaBuilder({ plugins: [AccessPluginName], prisma: {} as never });
    builder.queryType({ fields: (t) => ({ open: t.string({ resolve: () => 'public by omission' }) }) });
    expect(() => builder.toSchema()).toThrow('Query.open does not say who may use it.');
  });
});

/** Returns a client of each kind, with the account and a session of Ada. */
async function clientsOfEachKind() {
  const api = await startApi({ encryptionKeys: encryptionKeysOf(), emailSignIn: { createsAccounts: false } });
  const scopes = Object.keys(serviceScopes);
  const { secret } = await createServiceClient(api.database, commandScope(api.clock.now), { name: 'my-api', scopes });
  serviceKey = secret;
  const ada = await api.signUp('ada@example.com', 'BEARER');
  const visitor = api.client();
  const started = await visitor.ask('mutation { startSession(transport: BEARER) { token } }');
  visitor.token = started.startSession.token;
  const bob = await api.signUp('bob@example.com', 'BEARER');
  const root = await api.signUpAdmin('root@example.com');
  const session = await api.database.session.findFirstOrThrow({
    where: { user: { is: { email: 'ada@example.com' } } },
  });
  const event = await api.database.auditEvent.findFirstOrThrow({ where: { userId: session.userId } });
  const device = await api.database.userToken.findFirstOrThrow({ where: { userId: session.userId } });
  const passkey = await api.database.passkey.create({ data: passkeyRow(session.userId ?? 0n, api.clock.now) });
  const ids = {
    passkey: toNodeId('Passkey', passkey.id),
    device: toNodeId('TrustedDevice', device.id),
    user: toNodeId('User', session.userId ?? 0n),
    session: toNodeId('Session', session.id),
    event: toNodeId('AuditEvent', event.id),
    handle: session.handle,
  };
  const clients = { noSession: api.client(), visitor, bob, ada, root, service: api.client() };
  return { api, ids, clients };
}

type Who = keyof Awaited<ReturnType<typeof clientsOfEachKind>>['clients'];

async function send(who: Who, client: Client, query: string): Promise<Pick<Answer, 'data' | 'errors'>> {
  const headers = who === 'service' ? { 'x-service-key': serviceKey } : {};
  if (!query.startsWith('subscription')) return client.send(query, {}, headers);
  const events = await subscribe(client, { query, headers });
  const first = await events.next();
  await events.leave();
  return first;
}

/** Returns the type of the fields of an operation. */
function rootType(root: string) {
  return schema.getRootType(root as OperationTypeNode);
}

/** The answer of a field to a client: a code, `null`, or that it answers. */
function outcomeOf({ data, errors }: Pick<Answer, 'data' | 'errors'>, field: string): string {
  const error = errors?.[0];
  if (error) return error.extensions.code;
  return data[field] === null ? 'null' : 'answers';
}

const answersAll = ['answers', 'answers', 'answers', 'answers', 'answers', 'answers'];
const signedIn = ['UNAUTHENTICATED', 'UNAUTHENTICATED', 'answers', 'answers', 'answers', 'UNAUTHENTICATED'];
const administrators = ['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'answers', 'UNAUTHENTICATED'];
const directory = ['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'answers', 'answers'];
const services = ['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'answers'];
const token = `${'0'.repeat(32)}.${'A'.repeat(43)}`;

/** The answers of each root field: without a session, to a visitor, Bob, Ada, an administrator and a service. */
const roots: Record<string, Record<string, [selection: string, outcomes: string[]]>> = {
  query: {
    node: ['node(id: "$session") { id }', ['null', 'null', 'null', 'answers', 'answers', 'answers']],
    nodes: ['nodes(ids: ["$user"]) { id }', answersAll],
    viewer: ['viewer { id }', ['null', 'null', 'answers', 'answers', 'answers', 'null']],
    currentSession: ['currentSession { id }', ['null', 'answers', 'answers', 'answers', 'answers', 'null']],
    lastSession: ['lastSession { endReason }', ['null', 'null', 'null', 'null', 'null', 'null']],
    user: ['user(by: { id: "$user" }) { id }', directory],
    session: ['session(handle: "$handle") { id }', directory],
    users: ['users { totalCount }', administrators],
    serviceClients: ['serviceClients { totalCount }', administrators],
    webhooks: ['webhooks { totalCount }', administrators],
    webhookDeliveries: ['webhookDeliveries(webhookId: "none") { totalCount }', administrators],
    sessions: ['sessions { nodes { id } }', administrators],
    revocation: [
      'revocation(id: "none") { id }',
      ['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'null', 'UNAUTHENTICATED'],
    ],
    revocations: ['revocations { totalCount }', administrators],
    auditEvents: ['auditEvents { totalCount }', administrators],
  },
  mutation: {
    startSession: ['startSession { session { id } }', answersAll],
    setPublicData: ['setPublicData(data: {}) { __typename }', answersAll],
    setPrivateData: ['setPrivateData(sessionId: "$session", data: {}) { __typename }', services],
    requestEmailSignIn: ['requestEmailSignIn(email: "ada@example.com") { email }', answersAll],
    signInWithEmailCode: ['signInWithEmailCode(challenge: "none", code: "1") { __typename }', answersAll],
    signInWithEmailLink: ['signInWithEmailLink(token: "none") { __typename }', answersAll],
    completeLogin: ['completeLogin(challenge: "none", answer: { totpCode: "1" }) { __typename }', answersAll],
    createRecoveryCodes: ['createRecoveryCodes { __typename }', signedIn],
    requireSecondFactor: ['requireSecondFactor(required: false) { __typename }', signedIn],
    startAuthenticatorApp: ['startAuthenticatorApp(signIn: "none") { __typename }', answersAll],
    confirmAuthenticatorApp: [
      'confirmAuthenticatorApp(challenge: "none", code: "1", signIn: "none") { __typename }',
      answersAll,
    ],
    resetUserFactors: ['resetUserFactors(id: "$user", reason: LOST) { __typename }', administrators],
    cancelFactorReset: ['cancelFactorReset { __typename }', signedIn],
    refuseFactorReset: [`refuseFactorReset(token: "${token}") { __typename }`, answersAll],
    removeAuthenticatorApp: ['removeAuthenticatorApp { __typename }', signedIn],
    login: ['login(email: "eve@example.com", password: "wrong") { __typename }', answersAll],
    signUp: ['signUp(email: "eve@example.com", password: "short") { __typename }', answersAll],
    confirmSignUp: [`confirmSignUp(token: "${token}", password: "wrong") { __typename }`, answersAll],
    requestPasswordReset: ['requestPasswordReset(email: "ada@example.com") { email }', answersAll],
    resetPassword: [`resetPassword(token: "${token}", newPassword: "short") { __typename }`, answersAll],
    verifyEmail: [`verifyEmail(token: "${token}") { __typename }`, answersAll],
    confirmEmailChange: [`confirmEmailChange(token: "${token}") { __typename }`, answersAll],
    undoChange: [`undoChange(token: "${token}") { __typename }`, answersAll],
    requestEmailVerification: ['requestEmailVerification { email }', signedIn],
    requestEmailChange: ['requestEmailChange(newEmail: "x", password: "x") { __typename }', signedIn],
    updateProfile: ['updateProfile(name: "Someone") { __typename }', signedIn],
    changeUsername: ['changeUsername(username: null) { __typename }', signedIn],
    changePassword: ['changePassword(currentPassword: "wrong", newPassword: "short") { __typename }', signedIn],
    reauthenticate: ['reauthenticate(password: "wrong") { __typename }', signedIn],
    accessToken: ['accessToken(audience: "none") { __typename }', signedIn],
    deleteAccount: ['deleteAccount(password: "wrong") { __typename }', signedIn],
    createUser: ['createUser(email: "none") { __typename }', administrators],
    setUserRole: ['setUserRole(id: "none", role: "user") { __typename }', administrators],
    suspendUser: ['suspendUser(id: "none") { __typename }', administrators],
    reinstateUser: ['reinstateUser(id: "none") { __typename }', administrators],
    revokeUserSessions: ['revokeUserSessions(id: "none") { __typename }', administrators],
    deleteUser: ['deleteUser(id: "none") { __typename }', administrators],
    createServiceClient: ['createServiceClient(name: "", scopes: []) { __typename }', administrators],
    rotateServiceSecret: ['rotateServiceSecret(id: "none") { __typename }', administrators],
    retireServiceSecret: ['retireServiceSecret(id: "none") { __typename }', administrators],
    disableServiceClient: ['disableServiceClient(id: "none") { __typename }', administrators],
    enableServiceClient: ['enableServiceClient(id: "none") { __typename }', administrators],
    revokeServiceClient: ['revokeServiceClient(id: "none") { __typename }', administrators],
    createWebhook: ['createWebhook(url: "none") { __typename }', administrators],
    updateWebhook: ['updateWebhook(id: "none") { __typename }', administrators],
    rotateWebhookSecret: ['rotateWebhookSecret(id: "none") { __typename }', administrators],
    disableWebhook: ['disableWebhook(id: "none") { __typename }', administrators],
    enableWebhook: ['enableWebhook(id: "none") { __typename }', administrators],
    testWebhook: ['testWebhook(id: "none") { __typename }', administrators],
    deleteWebhook: ['deleteWebhook(id: "none") { __typename }', administrators],
    replayWebhookDelivery: ['replayWebhookDelivery(id: "none") { __typename }', administrators],
    replayWebhookDeliveries: [
      'replayWebhookDeliveries(webhookId: "none", since: "2026-01-01T00:00:00Z") { __typename }',
      administrators,
    ],
    revokeSessions: ['revokeSessions(filter: {}, dryRun: true) { __typename }', administrators],
    cancelRevocation: ['cancelRevocation(id: "none") { revocation { id } }', administrators],
    revoke: [
      'revoke(id: "none") { __typename }',
      ['UNAUTHENTICATED', 'answers', 'answers', 'answers', 'answers', 'UNAUTHENTICATED'],
    ],
    revokeOthers: ['revokeOthers { revokedSessionIds }', signedIn],
    logout: ['logout { revokedSessionId }', answersAll],
    revokeAll: ['revokeAll { revokedSessionIds }', signedIn],
    disownSession: [`disownSession(token: "${token}") { __typename }`, answersAll],
    startPasskeyRegistration: ['startPasskeyRegistration(signIn: "none") { __typename }', answersAll],
    finishPasskeyRegistration: [
      'finishPasskeyRegistration(challenge: "none", response: {}, signIn: "none") { __typename }',
      answersAll,
    ],
    startPasskeyLogin: ['startPasskeyLogin { __typename }', answersAll],
    finishPasskeyLogin: ['finishPasskeyLogin(challenge: "none", response: {}) { __typename }', answersAll],
    startPasskeyReauthentication: ['startPasskeyReauthentication { __typename }', signedIn],
    renamePasskey: ['renamePasskey(id: "none") { __typename }', signedIn],
    deletePasskey: ['deletePasskey(id: "none") { __typename }', signedIn],
    forgetDevice: ['forgetDevice(id: "none") { __typename }', signedIn],
  },
  subscription: {
    sessionEvents: ['sessionEvents { __typename }', signedIn],
    adminEvents: ['adminEvents { cursor }', directory],
  },
};

describe('fields of the root types', () => {
  const cells = Object.entries(roots).flatMap(([root, fields]) =>
    Object.entries(fields).map(([field, [selection, outcomes]]) => ({ root, field, selection, outcomes })),
  );

  it('are all in this table', () => {
    for (const [root, fields] of Object.entries(roots)) {
      expect(Object.keys(fields).sort()).toEqual(Object.keys(rootType(root)?.getFields() ?? {}).sort());
    }
  });

  it.each(cells)('answer allowed callers, and refuse the others: $field', async (cell) => {
    const { root, field, selection, outcomes } = cell;
    const { clients, ids } = await clientsOfEachKind();
    const query = `${root} { ${selection.replace(/\$(user|session|handle)/, (_, name: 'user' | 'session' | 'handle') => ids[name])} }`;
    const seen: string[] = [];
    for (const [who, client] of Object.entries(clients)) {
      seen.push(outcomeOf(await send(who as Who, client, query), field));
    }
    expect(seen).toEqual(outcomes);
    if (isSemanticNonNull(rootType(root)?.getFields()[field] ?? {})) expect(seen).not.toContain('null');
  });
});

/** The fields of Ada's objects that Bob, Ada, an administrator, and a service with all scopes see. */
const all = ['hidden', 'value', 'value', 'value'];
const notServices = ['hidden', 'value', 'value', 'hidden'];
const objects: Record<string, Record<string, string[]>> = {
  User: {
    ...Object.fromEntries(
      ['id', 'createdAt', 'updatedAt', 'email', 'role', 'sessions', 'sessionsConnection'].map((f) => [f, all]),
    ),
    auditEvents: ['hidden', 'value', 'value', 'null'],
    trustedDevices: ['hidden', 'value', 'value', 'null'],
    passkeys: ['hidden', 'value', 'value', 'null'],
    passkeySignals: ['hidden', 'value', 'value', 'null'],
    needsSecondFactor: ['hidden', 'value', 'value', 'null'],
    recoveryCodesLeft: ['hidden', 'null', 'null', 'null'],
    name: ['hidden', 'null', 'null', 'null'],
    username: ['hidden', 'null', 'null', 'null'],
    emailVerifiedAt: ['hidden', 'null', 'null', 'null'],
    suspendedAt: ['hidden', 'null', 'null', 'null'],
    factorReset: ['hidden', 'null', 'null', 'null'],
    authenticatorApp: ['hidden', 'null', 'null', 'null'],
  },
  Session: {
    ...Object.fromEntries(
      [
        'id',
        'handle',
        'createdAt',
        'updatedAt',
        'expiresAt',
        'lastSeenAt',
        'authenticatedAt',
        'proofs',
        'assuranceLevel',
        'state',
        'isCurrent',
        'user',
      ].map((f) => [f, all]),
    ),
    publicData: ['hidden', 'null', 'null', 'null'],
    privateData: ['hidden', 'null', 'null', 'null'],
    userAgent: ['hidden', 'null', 'null', 'null'],
    clientName: ['hidden', 'null', 'null', 'null'],
    ipAddress: ['hidden', 'null', 'null', 'null'],
    antiCSRFToken: ['hidden', 'null', 'null', 'null'],
  },
  TrustedDevice: {
    ...Object.fromEntries(['id', 'createdAt', 'lastUsedAt', 'expiresAt', 'isCurrent'].map((f) => [f, notServices])),
    clientName: ['hidden', 'null', 'null', 'hidden'],
    skipsSecondFactorUntil: ['hidden', 'null', 'null', 'hidden'],
  },
  Passkey: {
    ...Object.fromEntries(
      ['id', 'createdAt', 'credentialId', 'isSynced', 'isBackedUp', 'aaguid', 'transports'].map((f) => [
        f,
        notServices,
      ]),
    ),
    name: ['hidden', 'null', 'null', 'hidden'],
    lastUsedAt: ['hidden', 'null', 'null', 'hidden'],
  },
  AuditEvent: {
    ...Object.fromEntries(
      ['id', 'createdAt', 'type', 'userId', 'user', 'isOwn', 'sessionHandle'].map((f) => [f, notServices]),
    ),
    actor: ['hidden', 'null', 'value', 'hidden'],
    ipAddress: ['hidden', 'null', 'null', 'hidden'],
    userAgent: ['hidden', 'null', 'null', 'hidden'],
    detail: ['hidden', 'null', 'null', 'hidden'],
  },
};

const selections: Record<string, string> = {
  trustedDevices: '{ id }',
  passkeys: '{ id }',
  passkeySignals: '{ rpId }',
  proofs: '{ method at }',
  sessions: '{ id }',
  sessionsConnection: '{ totalCount nodes { id } }',
  user: '{ id }',
  actor: '{ id }',
  auditEvents: '{ nodes { type } }',
  factorReset: '{ reason }',
  authenticatorApp: '{ createdAt }',
};

describe('objects of a user', () => {
  it('are visible to the user, to administrators and to services, each field as declared', async () => {
    const { clients, ids } = await clientsOfEachKind();
    for (const [type, fields] of Object.entries(objects)) {
      const known = schema.getType(type);
      expect(Object.keys(fields).sort()).toEqual(isObjectType(known) ? Object.keys(known.getFields()).sort() : []);
      const id = {
        User: ids.user,
        Session: ids.session,
        AuditEvent: ids.event,
        TrustedDevice: ids.device,
        Passkey: ids.passkey,
      }[type];
      for (const [field, outcomes] of Object.entries(fields)) {
        const query = `{ node(id: "${id}") { ... on ${type} { seen: ${field} ${selections[field] ?? ''} } } }`;
        const look = async (client: Client, headers = {}) => {
          const { data, code } = await client.send(query, {}, headers);
          if (code) return code;
          if (data.node === null) return 'hidden';
          return data.node.seen === null ? 'null' : 'value';
        };
        const { bob, ada, root, noSession, visitor, service } = clients;
        expect(await Promise.all([look(noSession), look(visitor)])).toEqual(['hidden', 'hidden']);
        const seen = [
          await look(bob),
          await look(ada),
          await look(root),
          await look(service, { 'x-service-key': serviceKey }),
        ];
        expect([field, ...seen]).toEqual([field, ...outcomes]);
      }
    }
  });

  it('are not visible through objects of other users', async () => {
    const { clients, ids } = await clientsOfEachKind();
    // An audit event names its user and actor; only administrators are told who it was.
    const { viewer } = await clients.ada.ask('{ viewer { auditEvents { nodes { user { email } actor { email } } } } }');
    expect(viewer.auditEvents.nodes).toEqual([{ user: { email: 'ada@example.com' }, actor: null }]);
    const { nodes } = (
      await clients.root.ask('{ auditEvents(type: SIGNED_UP) { nodes { user { id email } actor { email } } } }')
    ).auditEvents;
    expect(nodes).toContainEqual({
      user: { id: ids.user, email: 'ada@example.com' },
      actor: { email: 'ada@example.com' },
    });
  });
});
