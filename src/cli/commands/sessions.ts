import type { Command } from 'commander';
import { readConfig } from '../../config/config.ts';
import { inTransaction } from '../../database/transaction.ts';
import { OperatorError, SessionNotFoundError } from '../../errors.ts';
import { acceptClock, requireTrustedClock } from '../../maintenance/clock-check.ts';
import { maintain } from '../../maintenance/maintenance.ts';
import { countPrunable } from '../../maintenance/prune.ts';
import { commandScope } from '../../scope.ts';
import { endSessions, sessionsOfUser } from '../../sessions/end.ts';
import { endAllSessions, endSession } from '../../sessions/revoke.ts';
import { requireUserByEmail } from '../../users/user.ts';
import { counted, say } from '../output.ts';
import { withDatabase } from '../with-database.ts';

/** Adds the commands that end and delete sessions. */
export function addSessionCommands(program: Command): void {
  program
    .command('revoke')
    .description('End one session, all sessions of a user, or all sessions of everybody.')
    .argument('[handle]', 'handle of the session')
    .option('--user <email>', 'end all sessions of this user')
    .option('--all', 'end all sessions of all users and visitors')
    .action(async (handle: string | undefined, options: { user?: string; all?: true }, command: Command) => {
      if ([handle, options.user, options.all].filter((choice) => choice !== undefined).length !== 1) {
        command.error('Specify one of these: the handle of a session, --user with an email address, or --all.');
      }
      await withDatabase(async (database, clock) => {
        const scope = commandScope(clock.now());
        if (options.all) {
          say(`Ended ${counted(await endAllSessions(database, scope, 'REVOKED_BY_ADMIN'), 'session')}.`);
        } else if (options.user !== undefined) {
          const user = await requireUserByEmail(database, options.user);
          const where = sessionsOfUser(user.id);
          const ended = await inTransaction(database, (db) => endSessions(db, scope, where, 'REVOKED_BY_ADMIN'));
          say(`Ended ${counted(ended.length, 'session')} of ${user.email}.`);
        } else {
          const session = await database.session.findUnique({ where: { handle: handle ?? '' } });
          if (!session) throw new SessionNotFoundError();
          const ended = await endSession(database, scope, session.id, 'REVOKED_BY_ADMIN');
          say(ended ? `Ended the session ${handle}.` : `The session ${handle} had already ended.`);
        }
      });
    });
  program
    .command('prune')
    .description(
      'Delete sessions that ended or expired longer ago than SESSION_RETENTION, the addresses and user agents of ' +
        'those that did so longer ago than DEVICE_RETENTION, audit events older than AUDIT_RETENTION, and other ' +
        'expired data. Rotates the signing keys. A running server does this by itself.',
    )
    .option('--dry-run', 'print how many sessions would be deleted')
    .option('--accept-clock', 'trust the clock of now, after a server reported that it has jumped')
    .action(async (options: { dryRun?: boolean; acceptClock?: boolean }) => {
      const config = readConfig();
      await withDatabase(async (database, clock) => {
        if (options.dryRun) {
          const before = new Date(clock.now().getTime() - config.sessionRetentionMs);
          say(`Would delete ${counted(await countPrunable(database, before), 'session')}.`);
          if (!options.acceptClock) await requireTrustedClock(database, clock.now(), config.sessions);
          return;
        }
        if (options.acceptClock) await acceptClock(database, clock.now());
        const deleted = await maintain(database, config, clock);
        if (deleted === null) throw new OperatorError('A server or another command is pruning right now.');
        say(`Deleted ${counted(deleted, 'session')}.`);
      });
    });
}
