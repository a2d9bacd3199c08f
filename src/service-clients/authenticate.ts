import type { Database } from '../database/database.ts';
import type { Service } from '../scope.ts';
import { equalSecrets, handleOf, hashToken } from '../tokens/token.ts';
import { type ServiceClient, scopesOf } from './service-client.ts';

/** The maximum age of `lastUsedAt` of a client in use: a write per request would cost more than its answer. */
const useIntervalMs = 60_000;

/**
 * Returns the service with this secret, and records its use. Null for a secret of another form, of no client, of a
 * disabled client, or from before a rotation if it is retired.
 *
 * The client id, which is part of the secret and not secret itself, finds the row. A text of another form costs no read.
 */
export async function authenticateService(database: Database, secret: string, now: Date): Promise<Service | null> {
  const clientId = handleOf(secret);
  if (clientId === null) return null;
  const client = await database.$findServiceClient(clientId);
  if (!client || !isSecretOf(client, secret) || client.disabledAt !== null) return null;
  await recordUse(database, client, now);
  return { name: client.name, clientId, scopes: new Set(scopesOf(client)) };
}

/** Compares both secrets, so that the time does not tell which one matches. */
function isSecretOf({ hashedSecret, previousHashedSecret }: ServiceClient, secret: string): boolean {
  const hashed = hashToken(secret);
  const isCurrent = equalSecrets(hashed, hashedSecret);
  const isPrevious = equalSecrets(hashed, previousHashedSecret);
  return isCurrent || isPrevious;
}

async function recordUse(database: Database, { id, lastUsedAt }: ServiceClient, now: Date): Promise<void> {
  if (lastUsedAt !== null && now.getTime() - lastUsedAt.getTime() < useIntervalMs) return;
  // Of many concurrent uses, one is written.
  await database.serviceClient.updateMany({ where: { id, lastUsedAt }, data: { lastUsedAt: now } });
}
