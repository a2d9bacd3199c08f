import { Command } from 'commander';
import { addAdoptCommand } from './blitz/adopt-command.ts';
import type { ExportOptions } from './cli/export-users.ts';
import type { ImportOptions } from './cli/import-users.ts';
import { readPassword } from './cli/terminal.ts';
import { withDatabase } from './cli/with-database.ts';
import { loadEnvironmentFile, readConfig } from './config/config.ts';
import { migrateDatabase } from './database/database.ts';
import { inTransaction } from './database/transaction.ts';
import { OperatorError, SessionNotFoundError, UserError } from './errors.ts';
import { recordEvent } from './events/record.ts';
import { maintain } from './maintenance/maintenance.ts';
import { countPrunable } from './maintenance/prune.ts';
import { commandScope } from './scope.ts';
import { endSessions, sessionsOfUser } from './sessions/end.ts';
import { endSession } from './sessions/revoke.ts';
import { createServiceKey, hashToken } from './tokens/token.ts';
import { createUser, defaultRole, prepareUser, requireUserByEmail } from './users/user.ts';

/** Exit codes: 0 done, 1 refused or failed, 2 called in a way that makes no sense. */
const exitCodes = { failed: 1, usage: 2 };

const program = new Command('graphql-sessions')
  .description('Users and sessions, from a shell. The environment configures it as it does the server.')
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitCodes.usage));

program
  .command('create-user')
  .description('Make an account. The password is asked for, or read from standard input.')
  .argument('<email>', 'the address that the user logs in with')
  .option('--name <name>', 'what the user is called')
  .option('--role <role>', 'what the user is to the application', defaultRole)
  .action(createAccount);

program
  .command('create-admin')
  .description('Make an account for an administrator: one with the first role of ADMIN_ROLES.')
  .argument('<email>', 'the address that the administrator logs in with')
  .option('--name <name>', 'what the administrator is called')
  .action((email: string, options: { name?: string }) =>
    createAccount(email, { ...options, role: readConfig().adminRoles[0] }),
  );

program
  .command('import-users')
  .description(
    'Make an account for each line of a file, a JSON object such as export-users writes. Addresses that are there ' +
      'already are left as they are. Lines that are refused stop no others; the exit code is 1 then.',
  )
  .argument('<file>', 'the file, or - for standard input')
  .option('--dry-run', 'only say what would become of each line')
  .option('--report <file>', 'write the lines that were refused, or differ from what is there, as JSON Lines')
  .action(async (file: string, options: ImportOptions) => {
    const { importUsersOf } = await import('./cli/import-users.ts');
    if (!(await importUsersOf(file, options))) process.exitCode = exitCodes.failed;
  });

program
  .command('export-users')
  .description('Write all users, a line of JSON for each, such as import-users reads.')
  .argument('[file]', 'the file, or - for standard output', '-')
  .option('--with-password-hashes', 'also write the hashes of their passwords')
  .action(async (file: string, options: ExportOptions) => {
    const { exportUsersTo } = await import('./cli/export-users.ts');
    const count = await exportUsersTo(file, options);
    // Standard output may be the export itself.
    process.stderr.write(`Exported ${count} ${count === 1 ? 'user' : 'users'}.\n`);
  });

program
  .command('revoke')
  .description('End one session, or all sessions of a user.')
  .argument('[handle]', 'the handle of the session')
  .option('--user <email>', 'end all sessions of this user')
  .action(async (handle: string | undefined, options: { user?: string }, command: Command) => {
    if ((handle === undefined) === (options.user === undefined)) {
      command.error('Say which: the handle of a session, or --user and an email.');
    }
    await withDatabase(async (database, clock) => {
      const scope = commandScope(clock.now());
      if (options.user !== undefined) {
        const user = await requireUserByEmail(database, options.user);
        const where = sessionsOfUser(user.id);
        const ended = await inTransaction(database, (db) => endSessions(db, scope, where, 'REVOKED_BY_ADMIN'));
        say(`Ended ${sessions(ended.length)} of ${user.email}.`);
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
    'Delete the sessions that ended or expired longer ago than SESSION_RETENTION, and forget the devices of those ' +
      'that did longer ago than DEVICE_RETENTION. A running server does this by itself.',
  )
  .option('--dry-run', 'only say how many would be deleted')
  .action(async (options: { dryRun?: boolean }) => {
    const config = readConfig();
    await withDatabase(async (database, clock) => {
      if (options.dryRun) {
        const before = new Date(clock.now().getTime() - config.sessionRetentionMs);
        say(`Would delete ${sessions(await countPrunable(database, before))}.`);
        return;
      }
      const deleted = await maintain(database, config, clock);
      if (deleted === null) throw new OperatorError('A server, or another command, is pruning just now.');
      say(`Deleted ${sessions(deleted)}.`);
    });
  });

program
  .command('create-service-key')
  .description('Make a key for a trusted service. Print it, which is done once, and what goes into SERVICE_KEYS.')
  .action(() => {
    const key = createServiceKey();
    say(`Key, for the service to send as x-service-key:  ${key}`);
    say(`SHA-256 of it, for SERVICE_KEYS:                ${hashToken(key)}`);
  });

program
  .command('migrate')
  .description('Create the database where there is none, and bring it up to the newest migration.')
  .action(async () => {
    const applied = await migrateDatabase(readConfig().databaseUrl);
    for (const name of applied) say(`Migrated ${name}`);
    if (applied.length === 0) say('The database is up to date.');
  });

addAdoptCommand(program);

program
  .command('print-schema')
  .description('Print the GraphQL schema, as schema.graphql holds it.')
  .action(async () => {
    const { printedSchema } = await import('./graphql/schema.ts');
    process.stdout.write(printedSchema());
  });

async function createAccount(email: string, options: { name?: string; role: string }): Promise<void> {
  const { passwords } = readConfig();
  const password = await readPassword(`Password for ${email}:`);
  const prepared = await prepareUser({ email, password, ...options }, passwords);
  await migrateDatabase(readConfig().databaseUrl);
  await withDatabase(async (database, clock) => {
    const user = await inTransaction(database, async (db) => {
      const created = await createUser(db, prepared);
      const event = { type: 'USER_CREATED', userId: created.id, detail: created.role } as const;
      await recordEvent(db, commandScope(clock.now()), event);
      return created;
    });
    say(`Created ${user.email}, with the role ${user.role}.`);
  });
}

function sessions(count: number): string {
  return count === 1 ? '1 session' : `${count} sessions`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.umask(0o077);
program
  .hook('preAction', loadEnvironmentFile)
  .parseAsync()
  .catch((error: unknown) => {
    const isRefusal = error instanceof UserError || error instanceof OperatorError;
    console.error(isRefusal ? error.message : error);
    process.exit(exitCodes.failed);
  });
