import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  OperationTypeNode,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { toNodeId } from '../../src/graphql/node-id.ts';
import { schema } from '../../src/graphql/schema.ts';
import { commandScope } from '../../src/scope.ts';
import { createServiceClient } from '../../src/service-clients/service-client.ts';
import type { Client } from '../support/api.ts';
import { passkeyRow } from '../support/passkeys.ts';
import { addWebhook, startReceiver, startWebhookApi, webhookWorker } from '../support/webhooks.ts';

type Field = GraphQLField<unknown, unknown>;

/** A field of the query type that a caller may use, and the part of the operation before and after its selection. */
type Root = { type: string; open: string; close: string };

function fieldsOf(type: unknown): Field[] {
  const fields = isObjectType(type) ? Object.values(type.getFields()) : [];
  return fields.filter(({ args }) => !args.some(isRequiredArgument));
}

/** Returns a field with the smallest page, so that no operation is too large. */
function named({ name, args }: Field): string {
  return args.some((argument) => argument.name === 'first') ? `${name}(first: 1)` : name;
}

/** Returns the selection of all fields of a type. Of objects in it, it has only the name of the type. */
function everythingOf(type: GraphQLObjectType): string {
  const parts = fieldsOf(type).map((field) =>
    isLeafType(getNamedType(field.type)) ? field.name : `${named(field)} { __typename }`,
  );
  return `__typename ${parts.join(' ')}`;
}

/**
 * Returns operations that select all fields of every object that can be reached from a field of the query type, by
 * short paths that pass only fields that were not seen before.
 */
function everythingFrom({ type, open, close }: Root, seen: Set<Field>): string[] {
  const operations: string[] = [];
  const start = schema.getType(type);
  const reached = isObjectType(start) ? [{ type: start, path: [] as string[] }] : [];
  for (const { type, path } of reached) {
    const inner = path.reduceRight((selection, field) => `${field} { ${selection} }`, everythingOf(type));
    operations.push(`{ ${open} { ${inner} } ${close} }`);
    for (const field of fieldsOf(type)) {
      const next = getNamedType(field.type);
      if (!isObjectType(next) || seen.has(field)) continue;
      seen.add(field);
      reached.push({ type: next, path: [...path, named(field)] });
    }
  }
  return operations;
}

/** Returns the fields of the query type that need no argument: for administrators all, for others the public ones. */
function rootsFor(who: 'everybody' | 'administrators'): Root[] {
  const fields = fieldsOf(schema.getQueryType()).filter(
    ({ extensions }) => who === 'administrators' || extensions.access === 'public',
  );
  return fields.map((field) => ({ type: getNamedType(field.type).name, open: named(field), close: '' }));
}

/** Adds the names of the types of all objects in a result. */
function noteTypes(value: unknown, types: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  if ('__typename' in value) types.add(String(value.__typename));
  for (const inner of Object.values(value)) noteTypes(inner, types);
}

/** Sends the operations. Returns the names of the types of the objects that were reached without an error. */
async function reach(client: Client, roots: Root[], headers = {}): Promise<Set<string>> {
  const types = new Set<string>();
  const seen = new Set<Field>();
  for (const operation of roots.flatMap((root) => everythingFrom(root, seen))) {
    const { data, errors } = await client.send(operation, {}, headers);
    expect(errors, operation).toBeUndefined();
    noteTypes(data, types);
  }
  return types;
}

const objects = ['User', 'Session', 'SessionConnection', 'SessionEdge', 'SessionProof', 'PageInfo'];
const devices = ['TrustedDevice', 'Passkey', 'PasskeySignals'];
const events = ['AuditEvent', 'AuditEventConnection', 'AuditEventEdge'];
const webhooks = ['Webhook', 'WebhookConnection', 'WebhookEdge', 'WebhookDelivery'];
const lists = [
  'UserConnection',
  'UserEdge',
  'ServiceClient',
  'ServiceClientConnection',
  'ServiceClientEdge',
  'RevocationConnection',
];

describe('all fields of every object that the caller may see', () => {
  it('have no error for a user, an administrator, a service, an anonymous session, and without a session', async () => {
    const api = await startWebhookApi();
    const { webhook } = await addWebhook(api, { url: (await startReceiver()).url });
    const ada = await api.signUp('ada@example.com');
    const { id: userId } = await api.database.user.findFirstOrThrow();
    await api.database.passkey.create({ data: passkeyRow(userId, api.clock.now) });
    const root = await api.signUpAdmin('root@example.com');
    const visitor = api.client();
    await visitor.ask('mutation { startSession { session { id } } }');
    const input = { name: 'my-api', scopes: ['users:read'] };
    const { secret } = await createServiceClient(api.database, commandScope(api.clock.now), input);
    await api.database.session.updateMany({ data: { publicData: '{"cart":[1]}', privateData: '{"risk":7}' } });
    const { currentSession, viewer } = await ada.ask('{ currentSession { id } viewer { id } }');
    const node = (type: string, { id }: { id: string }) => ({
      type,
      open: `node(id: "${id}") { ... on ${type}`,
      close: '}',
    });
    await webhookWorker(api).run();
    const delivery = await api.database.webhookDelivery.findFirstOrThrow({ where: { webhookId: webhook.id } });
    const byId = [node('User', viewer), node('Session', currentSession)];
    const ofWebhooks = [node('WebhookDelivery', { id: toNodeId('WebhookDelivery', delivery.id) })];
    const everybody = rootsFor('everybody');

    expect([...(await reach(ada, everybody))].sort()).toEqual([...objects, ...devices, ...events].sort());
    const all = [...objects, ...devices, ...events, ...lists, ...webhooks];
    expect([...(await reach(root, [...rootsFor('administrators'), ...byId, ...ofWebhooks]))].sort()).toEqual(
      all.sort(),
    );
    const asService = await reach(api.client(), byId, { 'x-service-key': secret });
    expect([...asService].sort()).toEqual(objects.sort());
    expect([...(await reach(visitor, everybody))]).toEqual(['Session']);
    expect([...(await reach(api.client(), everybody))]).toEqual([]);
  });

  it('have levels of access that make a field null, and throw nothing', () => {
    const roots = Object.values(OperationTypeNode).map((operation) => schema.getRootType(operation) as unknown);
    const types = Object.values(schema.getTypeMap()).filter((type) => !roots.includes(type));
    const levels = types
      .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
      .flatMap((type) => (isObjectType(type) ? Object.values(type.getFields()) : []))
      .map(({ extensions }) => extensions.access);
    expect(new Set(levels)).toEqual(new Set(['parent', 'owner', 'reader', 'adminReader', 'sessionDataReader']));
  });
});
