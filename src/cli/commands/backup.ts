import type { Command } from 'commander';
import { readConfig } from '../../config/config.ts';
import {
  backUpDatabase,
  type Database,
  type DatabaseFacts,
  databaseExists,
  openClock,
  restoreDatabase,
} from '../../database/database.ts';
import { OperatorError } from '../../errors.ts';
import { acceptClock } from '../../maintenance/clock-check.ts';
import { commandScope } from '../../scope.ts';
import { endAllSessions } from '../../sessions/revoke.ts';

/** Adds the commands that back up and restore an SQLite database. */
export function addBackupCommands(program: Command): void {
  program
    .command('backup')
    .description(
      'Copy the SQLite database to a new file, as it is at one moment, also while the server runs. Checks the copy. ' +
        'Only the owner of the file may read it.',
    )
    .argument('<file>', 'new file; an existing one is not overwritten')
    .action(backUp);
  program
    .command('restore')
    .description(
      'Replace the SQLite database by a backup, while no server runs. Ends all sessions, and deletes links and trusted ' +
        'devices: some of those in the backup have been revoked or used since. Keeps the replaced database beside it.',
    )
    .argument('<file>', 'backup, which stays as it is')
    .option('--keep-sessions', 'keep sessions, links and devices as they are in the backup, also revoked ones')
    .action(restore);
}

async function backUp(file: string): Promise<void> {
  const { databaseUrl } = readConfig();
  if (!(await databaseExists(databaseUrl))) {
    throw new OperatorError(`DATABASE_URL is "${databaseUrl}", but there is no database.`);
  }
  const facts = await backUpDatabase(databaseUrl, file);
  say(`Wrote ${file}: ${summary(facts)}.`);
  say('It contains password hashes and addresses. Keep it as safe as the database.');
}

async function restore(file: string, options: { keepSessions?: true }): Promise<void> {
  const { databaseUrl } = readConfig();
  const done: string[] = [];
  const restored = await restoreDatabase(databaseUrl, file, async (database) => {
    const clock = await openClock(databaseUrl, database);
    const now = clock.now();
    clock.stop();
    if (options.keepSessions) done.push('Kept the sessions of the backup, also those that have been revoked since.');
    else done.push(await endEverything(database, now));
    // The times in an old backup are no sign that the clock has jumped.
    await acceptClock(database, now);
  });
  say(`Restored ${file}: ${summary(restored)}.`);
  for (const line of done) say(line);
  if (restored.replaced !== null) say(`The database from before is ${restored.replaced}.`);
}

/** Ends the sessions, and deletes the links and devices, in a database that a server has not opened yet. */
async function endEverything(database: Database, now: Date): Promise<string> {
  const sessions = await endAllSessions(database, commandScope(now), 'RESTORED');
  const { count } = await database.userToken.deleteMany();
  return `Ended ${counted(sessions, 'session')}. Links and trusted devices deleted: ${count}.`;
}

function summary({ users, liveSessions, bytes, migrations }: DatabaseFacts): string {
  const size = `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${counted(users, 'user')}, ${counted(liveSessions, 'live session')}, ${size}, migrated to ${migrations.at(-1)}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
