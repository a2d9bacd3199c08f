import { type Command, Option } from 'commander';
import { revokeUserSessions } from '../../accounts/administration.ts';
import { readConfig } from '../../config/config.ts';
import { OperatorError, SessionNotFoundError } from '../../errors.ts';
import { acceptClock, requireTrustedClock } from '../../maintenance/clock-check.ts';
import { maintain } from '../../maintenance/maintenance.ts';
import { countPrunable } from '../../maintenance/prune.ts';
import { commandScope } from '../../scope.ts';
import { endAllSessions, endSession } from '../../sessions/revoke.ts';
import { whereLive } from '../../sessions/session.ts';
import { requireUserByIdentifierOrId } from '../../users/identifier.ts';
import { describeSession, sessionLine } from '../descriptions.ts';
import { counted, type JsonOption, jsonOption, sayResult, sayRows } from '../output.ts';
import { toLimit } from '../to-limit.ts';
import { withDatabase } from '../with-database.ts';

type ListOptions = JsonOption & { user?: string; state?: string; anonymous?: true; limit: number };
type RevokeOptions = JsonOption & { user?: string; all?: true };
type PruneOptions = JsonOption & { dryRun?: boolean; acceptClock?: boolean };

/** Adds the commands that show, end and delete sessions. */
export function addSessionCommands(program: Command): void {
  const group = program.command('session').description('Show sessions, as administrators see them over GraphQL.');
  group
    .command('list')
    .description('List sessions, newest first, also ended ones until they are pruned.')
    .option('--user <user>', 'only sessions of the user with this email address, username or id')
    .addOption(new Option('--state <state>', 'only sessions in this state').choices(['live', 'ended']))
    .option('--anonymous', 'only sessions without a user')
    .option('--limit <number>', 'maximum number of sessions', toLimit, 100)
    .option(...jsonOption)
    .action(listSessions);
  group
    .command('show')
    .description('Show a session by the handle that logs and audit events have.')
    .argument('<handle>', 'handle of the session')
    .option(...jsonOption)
    .action(showSession);
  program
    .command('revoke')
    .description('End one session, all sessions of a user, or all sessions of everybody.')
    .argument('[handle]', 'handle of the session')
    .option('--user <user>', 'end all sessions of the user with this email address, username or id')
    .option('--all', 'end all sessions of all users and visitors')
    .option(...jsonOption)
    .action(revokeSessions);
  program
    .command('prune')
    .description(
      'Delete sessions that ended or expired longer ago than SESSION_RETENTION, the addresses and user agents of ' +
        'those that did so longer ago than DEVICE_RETENTION, audit events older than AUDIT_RETENTION, and other ' +
        'expired data. Rotates the signing keys. A running server does this by itself.',
    )
    .option('--dry-run', 'print how many sessions would be deleted')
    .option('--accept-clock', 'trust the clock of now, after a server reported that it has jumped')
    .option(...jsonOption)
    .action(pruneSessions);
}

async function listSessions({ user, state, anonymous, ...options }: ListOptions): Promise<void> {
  await withDatabase(async (database, clock) => {
    const now = clock.now();
    const owner = user === undefined ? null : await requireUserByIdentifierOrId(database, user);
    const where = [
      ...(owner === null ? [] : [{ userId: owner.id }]),
      ...(anonymous ? [{ userId: null }] : []),
      ...(state === 'live' ? [whereLive(now)] : []),
      ...(state === 'ended' ? [{ NOT: whereLive(now) }] : []),
    ];
    const newest = { orderBy: { id: 'desc' }, take: options.limit } as const;
    const sessions = await database.session.findMany({ where: { AND: where }, ...newest });
    const described = sessions.map((session) => describeSession(session, now));
    sayRows(described, options, sessionLine);
  });
}

async function showSession(handle: string, options: JsonOption): Promise<void> {
  await withDatabase(async (database, clock) => {
    const session = await database.session.findUnique({ where: { handle } });
    if (!session) throw new SessionNotFoundError();
    const described = describeSession(session, clock.now());
    sayResult({ session: described }, options, sessionLine(described));
  });
}

async function revokeSessions(
  handle: string | undefined,
  { user: name, all, ...options }: RevokeOptions,
  command: Command,
): Promise<void> {
  if ([handle, name, all].filter((choice) => choice !== undefined).length !== 1) {
    command.error('Specify one of these: the handle of a session, --user with an email address, or --all.');
  }
  await withDatabase(async (database, clock) => {
    const scope = commandScope(clock.now());
    if (all) {
      const count = await endAllSessions(database, scope, 'REVOKED_BY_ADMIN');
      sayResult({ endedSessions: count }, options, `Ended ${counted(count, 'session')}.`);
    } else if (name !== undefined) {
      const user = await requireUserByIdentifierOrId(database, name);
      const { sessions } = await revokeUserSessions(database, scope, user.id);
      const line = `Ended ${counted(sessions.length, 'session')} of ${user.email}.`;
      sayResult({ endedSessions: sessions.length }, options, line);
    } else {
      const session = await database.session.findUnique({ where: { handle: handle ?? '' } });
      if (!session) throw new SessionNotFoundError();
      const ended = await endSession(database, scope, session.id, 'REVOKED_BY_ADMIN');
      const line = ended ? `Ended the session ${handle}.` : `The session ${handle} had already ended.`;
      sayResult({ endedSessions: ended ? 1 : 0 }, options, line);
    }
  });
}

async function pruneSessions({ dryRun, acceptClock: isClockAccepted, ...options }: PruneOptions): Promise<void> {
  const config = readConfig();
  await withDatabase(async (database, clock) => {
    if (dryRun) {
      const before = new Date(clock.now().getTime() - config.sessionRetentionMs);
      const count = await countPrunable(database, before);
      const line = `Would delete ${counted(count, 'session')}.`;
      sayResult({ deletedSessions: count, isDryRun: true }, options, line);
      if (!isClockAccepted) await requireTrustedClock(database, clock.now(), config.sessions);
      return;
    }
    if (isClockAccepted) await acceptClock(database, clock.now());
    const deleted = await maintain(database, config, clock);
    if (deleted === null) throw new OperatorError('A server or another command is pruning right now.');
    const line = `Deleted ${counted(deleted, 'session')}.`;
    sayResult({ deletedSessions: deleted, isDryRun: false }, options, line);
  });
}
