import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { addAdoptCommand } from './blitz/adopt-command.ts';
import { blitzSettingNames } from './blitz/config.ts';
import { addAuditCommand } from './cli/commands/audit.ts';
import { addBackupCommands } from './cli/commands/backup.ts';
import { addHealthCommand } from './cli/commands/health.ts';
import { addMailsCommand } from './cli/commands/mails.ts';
import { addServiceClientCommand } from './cli/commands/service-client.ts';
import { addUserCommand } from './cli/commands/user.ts';
import type { ExportOptions } from './cli/export-users.ts';
import type { ImportOptions } from './cli/import-users.ts';
import { counted, say } from './cli/output.ts';
import { readPassword } from './cli/terminal.ts';
import { withDatabase } from './cli/with-database.ts';
import { loadEnvironmentFile, readConfig, readFromEnvironment } from './config/config.ts';
import { requireNoMisspelling } from './config/names.ts';
import { migrateDatabase, widenIds } from './database/database.ts';
import { inTransaction } from './database/transaction.ts';
import { createEncryptionKey } from './encryption/keys.ts';
import { OperatorError, SessionNotFoundError, UserError } from './errors.ts';
import { recordEvent } from './events/record.ts';
import { acceptClock, requireTrustedClock } from './maintenance/clock-check.ts';
import { maintain } from './maintenance/maintenance.ts';
import { countPrunable } from './maintenance/prune.ts';
import { commandScope } from './scope.ts';
import { endSessions, sessionsOfUser } from './sessions/end.ts';
import { endAllSessions, endSession } from './sessions/revoke.ts';
import { deleteSigningKeys } from './signing-keys/rotate.ts';
import { createServiceKey, hashToken } from './tokens/token.ts';
import { createUser, defaultRole, prepareUser, requireUserByEmail } from './users/user.ts';

/** Exit codes: 0 done, 1 refused or failed, 2 invalid usage. */
const exitCodes = { failed: 1, usage: 2 };

const program = new Command('graphql-sessions')
  .description('Manage users and sessions. Uses the same environment variables as the server.')
  .version(packageJson.version, '--version', 'print the version')
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError()
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitCodes.usage));

program
  .command('serve')
  .description('Run the server until a signal ends it. Without any command, graphql-sessions does the same.')
  .action(async () => {
    await import('./main.ts');
  });

program
  .command('create-user')
  .description('Create a user. Reads the password from the terminal or from standard input.')
  .argument('<email>', 'email address for the login')
  .option('--name <name>', 'name of the user')
  .option('--role <role>', 'role of the user in the application', defaultRole)
  .action(createAccount);

program
  .command('create-admin')
  .description(
    'Create an administrator: a user with the first role of ADMIN_ROLES. Reads the password as create-user does.',
  )
  .argument('<email>', 'email address for the login')
  .option('--name <name>', 'name of the administrator')
  .action((email: string, options: { name?: string }) =>
    createAccount(email, { ...options, role: readConfig().adminRoles[0] }),
  );

program
  .command('import-users')
  .description(
    'Create a user for each line of a file: a JSON object, as export-users writes it. Existing users stay unchanged. ' +
      'A refused line does not stop the others; the exit code is then 1.',
  )
  .argument('<file>', 'file, or - for standard input')
  .option('--dry-run', 'report the result of each line without importing')
  .option('--report <file>', 'write lines that were refused, or differ from existing users, as JSON Lines')
  .action(async (file: string, options: ImportOptions) => {
    const { importUsersOf } = await import('./cli/import-users.ts');
    if (!(await importUsersOf(file, options))) process.exitCode = exitCodes.failed;
  });

program
  .command('export-users')
  .description('Write all users, one line of JSON each, as import-users reads them.')
  .argument('[file]', 'file, or - for standard output', '-')
  .option('--with-password-hashes', 'include the hashes of the passwords')
  .action(async (file: string, options: ExportOptions) => {
    const { exportUsersTo } = await import('./cli/export-users.ts');
    const count = await exportUsersTo(file, options);
    // Standard output may be the export itself.
    process.stderr.write(`Exported ${counted(count, 'user')}.\n`);
  });

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
      'those that did so longer ago than DEVICE_RETENTION, audit events older than AUDIT_RETENTION, and other expired ' +
      'data. Rotates the signing keys. A running server does this by itself.',
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

program
  .command('create-service-key')
  .description(
    'Create a key for a trusted service. Prints the key, which is shown only once, and its hash for SERVICE_KEYS.',
  )
  .action(() => {
    const key = createServiceKey();
    say(`Service key, to send as x-service-key:  ${key}`);
    say(`Its SHA-256, for SERVICE_KEYS:          ${hashToken(key)}`);
  });

program
  .command('create-encryption-key')
  .description('Create a key for ENCRYPTION_KEYS. Prints it as `id:key`, and stores it nowhere.')
  .action(() => {
    say(createEncryptionKey());
    // Standard output has only the key, so that a script can use it.
    process.stderr.write('Keep it outside the database and its backups. The first key of ENCRYPTION_KEYS encrypts.\n');
  });

program
  .command('delete-signing-keys')
  .description(
    'Delete all keys that sign tokens, for an encryption key that is lost or has leaked. Tokens that they signed become ' +
      'invalid once verifiers fetch the keys again. Running servers make a new key within a minute.',
  )
  .action(() =>
    withDatabase(async (database) => {
      const count = await deleteSigningKeys(database);
      say(`Deleted ${counted(count, 'signing key')}.`);
    }),
  );

program
  .command('migrate')
  .description('Apply the missing migrations. Creates the database if it does not exist.')
  .action(async () => {
    const applied = await migrateDatabase(readConfig().databaseUrl);
    for (const name of applied) say(`Migrated ${name}`);
    if (applied.length === 0) say('The database is up to date.');
  });

program
  .command('widen-ids')
  .description(
    'Give the ids of a PostgreSQL database 64 bits. Only for a database of an earlier version, once no server of that ' +
      'version is left. Locks the tables meanwhile.',
  )
  .action(async () => {
    const { databaseUrl } = readConfig();
    await migrateDatabase(databaseUrl);
    await widenIds(databaseUrl);
    say('The ids have 64 bits.');
  });

addHealthCommand(program);
addUserCommand(program);
addAuditCommand(program);
addMailsCommand(program);
addBackupCommands(program);
addServiceClientCommand(program);
addAdoptCommand(program);

program
  .command('print-schema')
  .description('Print the GraphQL schema, as it is in schema.graphql.')
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

process.umask(0o077);
program
  .hook('preAction', () => {
    loadEnvironmentFile();
    readFromEnvironment((environment) => requireNoMisspelling(environment, blitzSettingNames));
  })
  .parseAsync()
  .catch((error: unknown) => {
    const isRefusal = error instanceof UserError || error instanceof OperatorError;
    console.error(isRefusal ? error.message : error);
    process.exit(exitCodes.failed);
  });
