import type { Database } from '../../database/database.ts';
import { ValidationError } from '../../errors.ts';
import type { Revocation } from '../../generated/sqlite/client.ts';
import type { UserScope } from '../../scope.ts';
import { requireRole } from '../../users/user.ts';
import type { RevocationFilter } from './filter.ts';

export type { Revocation };

export const unfinished = ['PENDING', 'RUNNING'] as const;

export const revocationStates = [...unfinished, 'DONE', 'CANCELLED', 'FAILED'] as const;

export type RevocationState = (typeof revocationStates)[number];

export type RevocationRequest = {
  /** Null for all sessions of all users and visitors. */
  filter: RevocationFilter | null;
  /** Whether the sessions are only counted. */
  isDryRun: boolean;
  /** Whether the session of the administrator may end too. */
  includesOwn: boolean;
};

/**
 * Requests the end of many sessions, of all that were live now and match a filter. A server begins with it within a
 * second or two: see `startRevocations`.
 *
 * @throws ValidationError for a filter without any condition, and for a role that no user can have.
 */
export async function requestRevocation(
  database: Database,
  { now, session }: UserScope,
  { filter, isDryRun, includesOwn }: RevocationRequest,
): Promise<Revocation> {
  if (filter !== null && Object.keys(filter).length === 0) {
    throw new ValidationError([
      { path: ['filter'], message: 'The filter has no condition. Set "all" for all sessions.' },
    ]);
  }
  if (filter?.role !== undefined) requireRole(filter.role);
  const last = await database.session.findFirst({ orderBy: { id: 'desc' }, select: { id: true } });
  return database.revocation.create({
    data: {
      createdAt: now,
      state: 'PENDING',
      requestedById: session.user.id,
      filter: JSON.stringify(filter ?? {}),
      isDryRun,
      keptSessionId: includesOwn ? null : session.id,
      upToId: last?.id ?? 0n,
    },
  });
}

/** Ends the work on a revocation, and returns it. Sessions that it has ended stay ended. Null if there is none. */
export async function cancelRevocation(database: Database, { now }: UserScope, id: bigint): Promise<Revocation | null> {
  await database.revocation.updateMany({
    where: { id, state: { in: [...unfinished] } },
    data: { state: 'CANCELLED', finishedAt: now },
  });
  return database.revocation.findUnique({ where: { id } });
}
