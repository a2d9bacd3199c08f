import { ReauthenticationRequiredError, ServiceClientNotFoundError, ValidationError } from '../../errors.ts';
import {
  createServiceClient,
  disableServiceClient,
  enableServiceClient,
  type IssuedSecret,
  retireSecret,
  revokeServiceClient,
  rotateSecret,
  type ServiceClient as ServiceClientRow,
} from '../../service-clients/service-client.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { parseNodeId } from '../node-id.ts';
import { ServiceClient, ServiceScopeEnum } from '../types/service-client.ts';

const ServiceSecretPayload = builder.objectRef<IssuedSecret>('ServiceSecretPayload').implement({
  access: 'parent',
  description: 'A service client with a new secret.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'secret' in value,
  fields: (t) => ({
    serviceClient: t.expose('client', { type: ServiceClient, description: 'The service client.' }),
    clientSecret: t.exposeString('secret', {
      description:
        'The new secret, also for the header `x-service-key`. The server shows it only once, and stores only its hash.',
    }),
  }),
});

const ServiceClientPayload = builder.objectRef<{ client: ServiceClientRow }>('ServiceClientPayload').implement({
  access: 'parent',
  description: 'The service client after a change.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'client' in value && !('secret' in value),
  fields: (t) => ({
    serviceClient: t.expose('client', { type: ServiceClient, description: 'The service client after the change.' }),
  }),
});

const ServiceClientResult = builder.errorUnion('ServiceClientResult', {
  description: 'Result of `retireServiceSecret`, `disableServiceClient` and `enableServiceClient`.',
  types: [ServiceClientPayload, ServiceClientNotFoundError, ReauthenticationRequiredError],
});

const RevokeServiceClientPayload = builder
  .objectRef<{ revoked: ServiceClientRow }>('RevokeServiceClientPayload')
  .implement({
    access: 'parent',
    description: 'The service client was deleted.',
    isTypeOf: (value) => typeof value === 'object' && value !== null && 'revoked' in value,
    fields: (t) => ({
      revokedServiceClientId: t.globalID({
        description: 'The ID of the deleted service client.',
        resolve: ({ revoked }) => ({ type: 'ServiceClient', id: String(revoked.id) }),
      }),
    }),
  });

const idArgument = { required: true, description: 'The `id` of the service client.' } as const;
const forAdministrators = 'Only for administrators who proved the identity recently: see `reauthenticate`.';

/** Returns the row ID of a client. @throws ServiceClientNotFoundError for an ID that no client can have. */
function clientIdOf(id: string, { database }: Context): bigint {
  const node = parseNodeId(id, database);
  if (node?.type !== 'ServiceClient') throw new ServiceClientNotFoundError();
  return node.id;
}

builder.mutationField('createServiceClient', (t) =>
  t.field({
    access: 'recentAdmin',
    type: ServiceSecretPayload,
    errors: { types: [ValidationError, ReauthenticationRequiredError] },
    description: `Creates a service client with its first secret. ${forAdministrators}`,
    args: {
      name: t.arg.string({
        required: true,
        description: 'A unique name: 1 to 50 characters from a-z, A-Z, 0-9 and `_.:-`.',
      }),
      scopes: t.arg({ type: [ServiceScopeEnum], required: true, description: 'The permissions: at least one.' }),
    },
    resolve: (_root, input, { caller, database }) => createServiceClient(database, caller.scope, input),
  }),
);

builder.mutationField('rotateServiceSecret', (t) =>
  t.field({
    access: 'recentAdmin',
    type: ServiceSecretPayload,
    errors: { types: [ServiceClientNotFoundError, ReauthenticationRequiredError] },
    description:
      'Gives a service client another secret. The one before stays valid until `retireServiceSecret` or the next ' +
      `rotation. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: (_root, { id }, context) => rotateSecret(context.database, context.caller.scope, clientIdOf(id, context)),
  }),
);

builder.mutationField('retireServiceSecret', (t) =>
  t.field({
    access: 'recentAdmin',
    type: ServiceClientResult,
    description:
      'Rejects the secret from before the last rotation from now on. Call it when all servers of the service have the ' +
      `new one. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => ({
      client: await retireSecret(context.database, context.caller.scope, clientIdOf(id, context)),
    }),
  }),
);

builder.mutationField('disableServiceClient', (t) =>
  t.field({
    access: 'recentAdmin',
    type: ServiceClientResult,
    description: `Rejects the secrets of a service client until it is enabled again. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => ({
      client: await disableServiceClient(context.database, context.caller.scope, clientIdOf(id, context)),
    }),
  }),
);

builder.mutationField('enableServiceClient', (t) =>
  t.field({
    access: 'recentAdmin',
    type: ServiceClientResult,
    description: `Accepts the secrets of a disabled service client again. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => ({
      client: await enableServiceClient(context.database, context.caller.scope, clientIdOf(id, context)),
    }),
  }),
);

builder.mutationField('revokeServiceClient', (t) =>
  t.field({
    access: 'recentAdmin',
    type: RevokeServiceClientPayload,
    errors: { types: [ServiceClientNotFoundError, ReauthenticationRequiredError] },
    description: `Deletes a service client with its secrets, permanently. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => ({
      revoked: await revokeServiceClient(context.database, context.caller.scope, clientIdOf(id, context)),
    }),
  }),
);
