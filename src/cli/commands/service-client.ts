import { type Command, Option } from 'commander';
import type { Database } from '../../database/database.ts';
import { commandScope, type Scope, serviceScopes } from '../../scope.ts';
import {
  createServiceClient,
  disableServiceClient,
  enableServiceClient,
  type IssuedSecret,
  requireServiceClient,
  retireSecret,
  revokeServiceClient,
  rotateSecret,
  type ServiceClient,
  scopesOf,
} from '../../service-clients/service-client.ts';
import { columns, type JsonOption, jsonOption, sayResult, sayRows } from '../output.ts';
import { withDatabase } from '../with-database.ts';

type Act = (database: Database, scope: Scope, id: bigint) => Promise<ServiceClient>;

const nameOrId = ['<client>', 'name or client id of the service client'] as const;

/** Adds the commands that manage service clients. */
export function addServiceClientCommand(program: Command): void {
  const group = program
    .command('service-client')
    .description('Manage service clients: the backends that may ask this server about sessions and users.');
  const scope = new Option('--scope <scope...>', 'permissions of the client').choices(Object.keys(serviceScopes));
  group
    .command('create')
    .description('Create a service client. Prints its client id and its secret, which is shown only once.')
    .argument('<name>', 'unique name: 1 to 50 characters from a-z, A-Z, 0-9 and _.:-')
    .addOption(scope.makeOptionMandatory())
    .option(...jsonOption)
    .action((name: string, options: JsonOption & { scope: string[] }) =>
      withDatabase(async (database, clock) => {
        const input = { name, scopes: options.scope };
        sayIssued(await createServiceClient(database, commandScope(clock.now()), input), options);
      }),
    );
  group
    .command('list')
    .description('List the service clients, with their scopes and their last use.')
    .option(...jsonOption)
    .action((options: JsonOption) =>
      withDatabase(async (database) => {
        const clients = await database.serviceClient.findMany({ orderBy: { name: 'asc' } });
        sayRows(clients.map(describe), options, lineOf);
      }),
    );
  group
    .command('rotate')
    .description(
      'Give a service client another secret. Prints it once. The one before stays valid until `retire`, or until the ' +
        'next rotation.',
    )
    .argument(...nameOrId)
    .option(...jsonOption)
    .action((client: string, options: JsonOption) =>
      withDatabase(async (database, clock) => {
        const { id } = await requireServiceClient(database, client);
        sayIssued(await rotateSecret(database, commandScope(clock.now()), id), options);
      }),
    );
  const acts: [name: string, description: string, act: Act, done: string][] = [
    ['retire', 'Reject the secret from before the last rotation.', retireSecret, 'Only its newest secret is valid'],
    ['disable', 'Reject the secrets of a service client until `enable`.', disableServiceClient, 'Disabled'],
    ['enable', 'Accept the secrets of a disabled service client again.', enableServiceClient, 'Enabled'],
    ['revoke', 'Delete a service client with its secrets.', revokeServiceClient, 'Deleted'],
  ];
  for (const [name, description, act, done] of acts) {
    group
      .command(name)
      .description(description)
      .argument(...nameOrId)
      .option(...jsonOption)
      .action((client: string, options: JsonOption) =>
        withDatabase(async (database, clock) => {
          const { id } = await requireServiceClient(database, client);
          const after = await act(database, commandScope(clock.now()), id);
          sayResult({ client: describe(after) }, options, `${done}: ${after.name}.`);
        }),
      );
  }
}

function sayIssued({ client, secret }: IssuedSecret, options: JsonOption): void {
  const result = { clientId: client.clientId, clientSecret: secret };
  sayResult(result, options, `Client id:      ${client.clientId}`, `Client secret:  ${secret}`);
}

function describe(client: ServiceClient) {
  const { clientId, name, createdAt, lastUsedAt, disabledAt, previousHashedSecret } = client;
  const hasPreviousSecret = previousHashedSecret !== null;
  return { clientId, name, scopes: scopesOf(client), createdAt, lastUsedAt, disabledAt, hasPreviousSecret };
}

function lineOf({ clientId, name, scopes, ...client }: ReturnType<typeof describe>): string {
  const used = client.lastUsedAt === null ? 'never used' : `last used ${client.lastUsedAt.toISOString()}`;
  const notes = [client.disabledAt !== null && 'disabled', client.hasPreviousSecret && 'two secrets'] as const;
  return columns(name, clientId, scopes.join(' '), used, ...notes);
}
