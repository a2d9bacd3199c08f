import { type Command, Option } from 'commander';
import type { Database } from '../../database/database.ts';
import { auditEventTypes } from '../../events/record.ts';
import type { AuditEvent } from '../../generated/sqlite/client.ts';
import { requireUserByIdentifierOrId } from '../../users/identifier.ts';
import { readUserId } from '../../users/user.ts';
import { columns, type JsonOption, jsonOption, sayRows } from '../output.ts';
import { toLimit } from '../to-limit.ts';
import { withDatabase } from '../with-database.ts';

type AuditOptions = JsonOption & { user?: string; type?: string; limit: number };

/** Adds the command that lists audit events. */
export function addAuditCommand(program: Command): void {
  program
    .command('audit')
    .description('List audit events, newest first.')
    .option(
      '--user <user>',
      'only events of the user with this email address, username or id, also after the user is deleted',
    )
    .addOption(new Option('--type <type>', 'only events of this type').choices(Object.keys(auditEventTypes)))
    .option('--limit <number>', 'maximum number of events', toLimit, 100)
    .option(...jsonOption)
    .action(listEvents);
}

async function listEvents({ user, type, ...options }: AuditOptions): Promise<void> {
  await withDatabase(async (database) => {
    const userId = user === undefined ? null : await userIdOf(database, user);
    const where = {
      ...(userId === null ? {} : { userId }),
      ...(type === undefined ? {} : { type }),
    };
    const events = await database.auditEvent.findMany({ where, orderBy: { id: 'desc' }, take: options.limit });
    sayRows(events, options, eventLine);
  });
}

/** Returns the id of a user. An id itself also stands for a deleted user, whose events stay. */
async function userIdOf(database: Database, user: string): Promise<bigint> {
  return readUserId(database, user) ?? (await requireUserByIdentifierOrId(database, user)).id;
}

/** Returns an event as a line for people. */
export function eventLine({ at, type, userId, actorId, sessionHandle, ipAddress, detail }: AuditEvent): string {
  return columns(
    at.toISOString(),
    type,
    userId !== null && `user ${userId}`,
    actorId !== null && actorId !== userId && `by user ${actorId}`,
    sessionHandle,
    ipAddress,
    detail,
  );
}
