import type { Command } from 'commander';
import { readConfig } from '../../config/config.ts';
import { migrateDatabase } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { recordEvent } from '../../events/record.ts';
import { commandScope } from '../../scope.ts';
import { createUser, defaultRole, prepareUser } from '../../users/user.ts';
import { describeUser } from '../descriptions.ts';
import { type JsonOption, jsonOption, sayResult } from '../output.ts';
import { readPassword } from '../terminal.ts';
import { withDatabase } from '../with-database.ts';

/** Adds the commands that create users. */
export function addCreateUserCommands(program: Command): void {
  program
    .command('create-user')
    .description('Create a user. Reads the password from the terminal or from standard input.')
    .argument('<email>', 'email address for the login')
    .option('--name <name>', 'name of the user')
    .option('--role <role>', 'role of the user in the application', defaultRole)
    .option(...jsonOption)
    .action(createAccount);
  program
    .command('create-admin')
    .description(
      'Create an administrator: a user with the first role of ADMIN_ROLES. Reads the password as create-user does.',
    )
    .argument('<email>', 'email address for the login')
    .option('--name <name>', 'name of the administrator')
    .option(...jsonOption)
    .action((email: string, options: JsonOption & { name?: string }) =>
      createAccount(email, { ...options, role: readConfig().adminRoles[0] }),
    );
}

type AccountOptions = JsonOption & { name?: string; role: string };

async function createAccount(email: string, { name, role, ...options }: AccountOptions): Promise<void> {
  const { passwords } = readConfig();
  const password = await readPassword(`Password for ${email}:`);
  const prepared = await prepareUser({ email, password, name, role }, passwords);
  await migrateDatabase(readConfig().databaseUrl);
  await withDatabase(async (database, clock) => {
    const user = await inTransaction(database, async (db) => {
      const created = await createUser(db, prepared);
      const event = { type: 'USER_CREATED', userId: created.id, detail: created.role } as const;
      await recordEvent(db, commandScope(clock.now()), event);
      return created;
    });
    sayResult({ user: describeUser(user) }, options, `Created ${user.email}, with the role ${user.role}.`);
  });
}
