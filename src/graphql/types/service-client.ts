import { type ServiceScope, serviceScopes } from '../../scope.ts';
import { scopesOf } from '../../service-clients/service-client.ts';
import { builder } from '../builder.ts';
import { toNodeId } from '../node-id.ts';
import { newestFirst } from '../pages.ts';
import { pageComplexity } from '../plugins/limits.ts';

/** Returns the name of a scope in the schema: names of enum values allow neither `-` nor `:`. */
function enumNameOf(scope: string): string {
  return scope.replace(/[-:]/g, '_').toUpperCase();
}

export const ServiceScopeEnum = builder.enumType('ServiceScope', {
  description: 'A permission of a service client. More may be added.',
  values: Object.fromEntries(
    Object.entries(serviceScopes).map(([value, description]) => [enumNameOf(value), { value, description }]),
  ) as Record<string, { value: ServiceScope; description: string }>,
});

export const ServiceClient = builder.prismaObject('ServiceClient', {
  access: 'parent',
  description:
    'The backend of an application, which may ask this server about sessions and users. It proves with a secret who ' +
    'it is. Visible to administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('ServiceClient', id),
    }),
    name: t.exposeString('name', { description: 'The name: unique among all service clients.' }),
    clientId: t.exposeString('clientId', {
      description: 'The client ID for `/oauth/introspect`. It is not secret.',
    }),
    scopes: t.field({ type: [ServiceScopeEnum], description: 'The permissions of the client.', resolve: scopesOf }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the client was created.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the client last sent a secret, accurate to a minute. Null if it never did.',
    }),
    disabledAt: t.expose('disabledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the client was disabled: its secrets are rejected since then. Null if it is not disabled.',
    }),
    hasPreviousSecret: t.boolean({
      description: 'Whether the secret from before the last rotation is still accepted: see `retireServiceSecret`.',
      resolve: ({ previousHashedSecret }) => previousHashedSecret !== null,
    }),
  }),
});

const ServiceClientConnection = builder.connectionObject(
  { type: ServiceClient, name: 'ServiceClientConnection', description: 'A page of service clients.' },
  { description: 'A service client on a page.' },
);

builder.queryField('serviceClients', (t) =>
  t.prismaConnection(
    {
      type: ServiceClient,
      cursor: 'id',
      nullable: true,
      semanticNonNull: true,
      description: 'All service clients, newest first. Only for administrators.',
      complexity: pageComplexity,
      access: 'admin',
      resolve: (query, _root, args, { database }) =>
        database.serviceClient.findMany(newestFirst(query, args, database, {})),
      totalCount: (_root, _args, { database }) => database.serviceClient.count(),
    },
    ServiceClientConnection,
  ),
);
