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
import { redactUrl } from '../../database/url.ts';
import { OperatorError } from '../../errors.ts';
import { acceptClock } from '../../maintenance/clock-check.ts';
import { commandScope } from '../../scope.ts';
import { endAllSessions } from '../../sessions/revoke.ts';
import { counted, type JsonOption, jsonOption, sayResult } from '../output.ts';

/** Adds the commands that back up and restore an SQLite database. */
export function addBackupCommands(program: Command): void {
  program
    .command('backup')
    .description(
      'Copy the SQLite database to a new file, as it is at one moment, also while the server runs. Checks the copy. ' +
        'Only the owner of the file may read it.',
    )
    .argument('<file>', 'new file; an existing one is not overwritten')
    .option(...jsonOption)
    .action(backUp);
  program
    .command('restore')
    .description(
      'Replace the SQLite database by a backup, while no server runs. Ends all sessions, and deletes links and trusted ' +
        'devices: some of those in the backup have been revoked or used since. Keeps the replaced database beside it.',
    )
    .argument('<file>', 'backup, which stays as it is')
    .option('--keep-sessions', 'keep sessions, links and devices as they are in the backup, also revoked ones')
    .option(...jsonOption)
    .action(restore);
}

async function backUp(file: string, options: JsonOption): Promise<void> {
  const { databaseUrl } = readConfig();
  if (!(await databaseExists(databaseUrl))) {
    throw new OperatorError(`DATABASE_URL is "${redactUrl(databaseUrl)}", but there is no database.`);
  }
  const facts = await backUpDatabase(databaseUrl, file);
  sayResult(
    { file, ...describeFacts(facts) },
    options,
    `Wrote ${file}: ${summary(facts)}.`,
    'It contains password hashes and addresses. Keep it as safe as the database.',
  );
}

async function restore(file: string, options: JsonOption & { keepSessions?: true }): Promise<void> {
  const { databaseUrl } = readConfig();
  let ended: Ended | null = null;
  const restored = await restoreDatabase(databaseUrl, file, async (database) => {
    const clock = await openClock(databaseUrl, database);
    const now = clock.now();
    clock.stop();
    if (!options.keepSessions) ended = await endEverything(database, now);
    // The times in an old backup are no sign that the clock has jumped.
    await acceptClock(database, now);
  });
  const { replaced } = restored;
  sayResult(
    { file, ...describeFacts(restored), ended, replaced },
    options,
    `Restored ${file}: ${summary(restored)}.`,
    endedLine(ended),
    ...(replaced === null ? [] : [`The database from before is ${replaced}.`]),
  );
}

type Ended = { sessions: number; linksAndDevices: number };

function endedLine(ended: Ended | null): string {
  if (ended === null) return 'Kept the sessions of the backup, also those that have been revoked since.';
  return `Ended ${counted(ended.sessions, 'session')}. Links and trusted devices deleted: ${ended.linksAndDevices}.`;
}

/** Ends the sessions, and deletes the links and devices, in a database that a server has not opened yet. */
async function endEverything(database: Database, now: Date): Promise<Ended> {
  const sessions = await endAllSessions(database, commandScope(now), 'RESTORED');
  const { count } = await database.userToken.deleteMany();
  await database.accountChange.deleteMany();
  return { sessions, linksAndDevices: count };
}

function describeFacts({ users, liveSessions, bytes, migrations }: DatabaseFacts) {
  return { users, liveSessions, bytes, migration: migrations.at(-1) ?? null };
}

function summary({ users, liveSessions, bytes, migrations }: DatabaseFacts): string {
  const size = `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${counted(users, 'user')}, ${counted(liveSessions, 'live session')}, ${size}, migrated to ${migrations.at(-1)}`;
}
