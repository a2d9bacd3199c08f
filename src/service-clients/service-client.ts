/** Service clients: the backends of applications, which prove with a secret who they are. */
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { ServiceClientNotFoundError, ValidationError } from '../errors.ts';
import { type AuditEventType, recordEvent } from '../events/record.ts';
import { Prisma, type ServiceClient } from '../generated/sqlite/client.ts';
import { type Scope, type ServiceScope, serviceScopes } from '../scope.ts';
import { createServiceSecret, isHandle } from '../tokens/token.ts';

export type { ServiceClient };

/** A service client with a new secret. The server returns the secret once and never stores it. */
export type IssuedSecret = { client: ServiceClient; secret: string };

/** Returns the scopes of a client. Ignores names that this version does not know. */
export function scopesOf({ scopes }: Pick<ServiceClient, 'scopes'>): ServiceScope[] {
  return scopes.split(' ').filter(isServiceScope);
}

function isServiceScope(name: string): name is ServiceScope {
  return Object.hasOwn(serviceScopes, name);
}

/**
 * Creates a service client with its first secret.
 *
 * @throws ValidationError for a name that is taken or has another form, for no scope, and for an unknown one.
 */
export async function createServiceClient(
  database: Database,
  scope: Scope,
  { name, scopes }: { name: string; scopes: readonly string[] },
): Promise<IssuedSecret> {
  const row = { name: requireName(name), scopes: requireScopes(scopes).join(' ') };
  const { token: secret, handle: clientId, hashedToken: hashedSecret } = createServiceSecret();
  return inTransaction(database, async (db) => {
    const data = { ...row, clientId, hashedSecret, createdAt: scope.now };
    const client = await db.serviceClient.create({ data }).catch(refuseTakenName);
    await record(db, scope, 'SERVICE_CLIENT_CREATED', `${client.name}: ${client.scopes}`);
    return { client, secret };
  });
}

function requireName(name: string): string {
  if (!/^[a-zA-Z0-9_.:-]{1,50}$/.test(name)) {
    throw refusal('name', 'The name must have 1 to 50 characters from a-z, A-Z, 0-9 and _.:-');
  }
  // Otherwise a command for the client with this id could find the one with this name.
  if (isHandle(name)) throw refusal('name', 'The name must not have the form of a client id.');
  return name;
}

function requireScopes(names: readonly string[]): ServiceScope[] {
  const unknown = names.filter((name) => !isServiceScope(name));
  const all = Object.keys(serviceScopes).filter(isServiceScope);
  if (unknown.length > 0 || names.length === 0) {
    const problem = unknown.length > 0 ? `There is no scope ${unknown.join(' or ')}.` : 'A client needs a scope.';
    throw refusal('scopes', `${problem} The scopes are ${all.join(', ')}.`);
  }
  return all.filter((name) => names.includes(name));
}

function refusal(argument: string, message: string): ValidationError {
  return new ValidationError([{ path: [argument], message }]);
}

function refuseTakenName(error: unknown): never {
  if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002') {
    throw refusal('name', 'Another service client has this name.');
  }
  throw error;
}

/** Returns the service client with this name or client id. @throws ServiceClientNotFoundError */
export async function requireServiceClient(database: Database, nameOrId: string): Promise<ServiceClient> {
  const where = { OR: [{ name: nameOrId }, { clientId: nameOrId }] };
  const client = await database.serviceClient.findFirst({ where });
  if (!client) throw new ServiceClientNotFoundError();
  return client;
}

/**
 * Gives a client another secret. The one before stays valid until it is retired, or until the next rotation: so a client
 * has two secrets while its servers receive the new one.
 *
 * @throws ServiceClientNotFoundError
 */
export function rotateSecret(database: Database, scope: Scope, id: bigint): Promise<IssuedSecret> {
  return inTransaction(database, async (db) => {
    const { clientId, hashedSecret: previousHashedSecret } = await lockClient(db, id);
    const { token: secret, hashedToken: hashedSecret } = createServiceSecret(clientId);
    const client = await db.serviceClient.update({ where: { id }, data: { hashedSecret, previousHashedSecret } });
    await record(db, scope, 'SERVICE_SECRET_ROTATED', client.name);
    return { client, secret };
  });
}

/** Rejects the secret from before the last rotation from now on. @throws ServiceClientNotFoundError */
export function retireSecret(database: Database, scope: Scope, id: bigint): Promise<ServiceClient> {
  return inTransaction(database, async (db) => {
    const before = await lockClient(db, id);
    if (before.previousHashedSecret === null) return before;
    const client = await db.serviceClient.update({ where: { id }, data: { previousHashedSecret: null } });
    await record(db, scope, 'SERVICE_SECRET_RETIRED', client.name);
    return client;
  });
}

/** Rejects the secrets of a client from now on, until it is enabled again. @throws ServiceClientNotFoundError */
export function disableServiceClient(database: Database, scope: Scope, id: bigint): Promise<ServiceClient> {
  return setDisabledAt(database, scope, id, scope.now);
}

/** Accepts the secrets of a disabled client again. @throws ServiceClientNotFoundError */
export function enableServiceClient(database: Database, scope: Scope, id: bigint): Promise<ServiceClient> {
  return setDisabledAt(database, scope, id, null);
}

function setDisabledAt(database: Database, scope: Scope, id: bigint, disabledAt: Date | null): Promise<ServiceClient> {
  return inTransaction(database, async (db) => {
    const before = await lockClient(db, id);
    if ((before.disabledAt === null) === (disabledAt === null)) return before;
    const client = await db.serviceClient.update({ where: { id }, data: { disabledAt } });
    await record(db, scope, disabledAt === null ? 'SERVICE_CLIENT_ENABLED' : 'SERVICE_CLIENT_DISABLED', client.name);
    return client;
  });
}

/** Deletes a client with its secrets, permanently, and returns it. @throws ServiceClientNotFoundError */
export function revokeServiceClient(database: Database, scope: Scope, id: bigint): Promise<ServiceClient> {
  return inTransaction(database, async (db) => {
    const client = await lockClient(db, id);
    await db.serviceClient.delete({ where: { id } });
    await record(db, scope, 'SERVICE_CLIENT_REVOKED', client.name);
    return client;
  });
}

/** Locks the row of a client until the transaction ends, by a write that changes nothing, and returns the client. */
async function lockClient(db: Db, id: bigint): Promise<ServiceClient> {
  const [client] = await db.serviceClient.updateManyAndReturn({ where: { id }, data: { id } });
  if (!client) throw new ServiceClientNotFoundError();
  return client;
}

/** Records an event of a client. It belongs to the history of no user. */
function record(db: Db, scope: Scope, type: AuditEventType, detail: string): Promise<void> {
  return recordEvent(db, scope, { type, userId: null, sessionHandle: null, detail });
}
