import { Command } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { addAdoptCommand } from './blitz/adopt-command.ts';
import { blitzSettingNames, readBlitzPolicy } from './blitz/config.ts';
import { addAuditCommand } from './cli/commands/audit.ts';
import { addBackupCommands } from './cli/commands/backup.ts';
import { addConfigCommand } from './cli/commands/config.ts';
import { addCreateUserCommands } from './cli/commands/create-user.ts';
import { addResetFactorsCommand } from './cli/commands/factors/reset-factors.ts';
import { addCheckDocumentsCommand } from './cli/commands/graphql/check-documents.ts';
import { addHealthCommand } from './cli/commands/health.ts';
import { addKeyCommands } from './cli/commands/keys.ts';
import { addMailsCommand } from './cli/commands/mails.ts';
import { addMigrateCommand } from './cli/commands/migrate.ts';
import { addServiceClientCommand } from './cli/commands/service-client.ts';
import { addSessionCommands } from './cli/commands/sessions.ts';
import { addTransferCommands } from './cli/commands/transfer.ts';
import { addUserCommand } from './cli/commands/user.ts';
import { addWebhookCommand } from './cli/commands/webhooks/webhook.ts';
import { exitCodes, printFailure, printsJson, printUsageError } from './cli/failure.ts';
import { ignoreClosedOutput, type JsonOption, jsonOption, sayNotice, sayResult } from './cli/output.ts';
import { readConfig, readFromEnvironment } from './config/config.ts';
import { loadEnvironmentFile } from './config/environment-file.ts';
import { requireNoMisspelling } from './config/names.ts';
import { migrateDatabase, widenIds } from './database/database.ts';

const program = new Command('graphql-sessions')
  .description('Manage users and sessions. Uses the same environment variables as the server.')
  .version(packageJson.version, '--version', 'print the version')
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError(!printsJson)
  .configureOutput(printsJson ? { outputError: printUsageError } : {})
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exitCodes.usage));

program
  .command('serve')
  .description('Run the server until a signal ends it. Without any command, graphql-sessions does the same.')
  .action(async () => {
    await import('./main.ts');
  });

addCreateUserCommands(program);
addTransferCommands(program);
addSessionCommands(program);
addKeyCommands(program);

program
  .command('widen-ids')
  .description(
    'Give the ids of a PostgreSQL database 64 bits. Only for a database of an earlier version, once no server of that ' +
      'version is left. Locks the tables meanwhile.',
  )
  .option(...jsonOption)
  .action(async (options: JsonOption) => {
    const { databaseUrl } = readConfig();
    await migrateDatabase(databaseUrl, { report: sayNotice });
    await widenIds(databaseUrl);
    sayResult({ idBits: 64 }, options, 'The ids have 64 bits.');
  });

addMigrateCommand(program);
addHealthCommand(program);
addUserCommand(program);
addResetFactorsCommand(program);
addAuditCommand(program);
addMailsCommand(program);
addBackupCommands(program);
addServiceClientCommand(program);
addWebhookCommand(program);
addAdoptCommand(program);
addCheckDocumentsCommand(program);
addConfigCommand(program, { names: blitzSettingNames, read: readBlitzPolicy });

program
  .command('print-schema')
  .description('Print the GraphQL schema, as it is in schema.graphql.')
  .option('--subgraph', 'print it for composition with other subgraphs (Apollo Federation 2)')
  .action(async ({ subgraph }: { subgraph?: true }) => {
    const { printedSchema, printedSubgraph } = await import('./graphql/schema.ts');
    process.stdout.write(subgraph ? printedSubgraph() : printedSchema());
  });

process.umask(0o077);
ignoreClosedOutput();
program
  .hook('preAction', (_program, command) => {
    // It reports all problems, and not only the first.
    if (command.name() === 'config') return;
    loadEnvironmentFile();
    readFromEnvironment((environment) => requireNoMisspelling(environment, blitzSettingNames));
  })
  .parseAsync()
  .catch((error: unknown) => {
    printFailure(error);
    process.exit(exitCodes.failed);
  });
