import type { Command } from 'commander';
import { inviteUser } from '../../accounts/administration.ts';
import { readConfig } from '../../config/config.ts';
import { type Database, databaseExists } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { EmailTakenError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import { commandScope, type Scope } from '../../scope.ts';
import { needsSecondFactor } from '../../sessions/assurance/second-factor.ts';
import { requireUnreserved } from '../../users/account-changes.ts';
import { createUser, defaultRole, findUserByEmail, type NewAccount, prepareUser, type User } from '../../users/user.ts';
import { describeUser } from '../descriptions.ts';
import { type JsonOption, jsonOption, sayResult } from '../output.ts';
import { readPassword } from '../terminal.ts';
import { withDatabase } from '../with-database.ts';

type AccountOptions = JsonOption & { name?: string; role: string; invite?: true };

const inviteOption = ['--invite', 'mail the user a link to choose a password, and read none'] as const;

/** Adds the commands that create users. */
export function addCreateUserCommands(program: Command): void {
  program
    .command('create-user')
    .description('Create a user. Reads the password from the terminal or from standard input.')
    .argument('<email>', 'email address for the login')
    .option('--name <name>', 'name of the user')
    .option('--role <role>', 'role of the user in the application', defaultRole)
    .option(...inviteOption)
    .option(...jsonOption)
    .action(createAccount);
  program
    .command('create-admin')
    .description(
      'Create an administrator: a user with the first role of ADMIN_ROLES. Reads the password as create-user does. ' +
        'If REQUIRE_SECOND_FACTOR has the role, the first login adds a second factor. For a user who exists, use `user set-role`.',
    )
    .argument('<email>', 'email address for the login')
    .option('--name <name>', 'name of the administrator')
    .option(...inviteOption)
    .option(...jsonOption)
    .action((email: string, options: Omit<AccountOptions, 'role'>) =>
      createAccount(email, { ...options, role: readConfig().adminRoles[0] }),
    );
}

async function createAccount(email: string, { name, role, invite, ...options }: AccountOptions): Promise<void> {
  const { databaseUrl } = readConfig();
  const account = { email, name, role };
  // Before the question for a password, which would be in vain.
  if (await databaseExists(databaseUrl)) await withDatabase((database) => requireNoUser(database, account));
  const create = invite ? invitation(account) : await creation(account);
  const user = await withDatabase((database, clock) => create(database, commandScope(clock.now())), {
    isCreated: true,
  });
  const mailed = invite ? ' A mail has the link to choose a password.' : '';
  const enrolment = needsSecondFactor(user, readConfig().secondFactor) ? ' The first login adds a second factor.' : '';
  const line = `Created ${user.email}, with the role ${user.role}.${mailed}${enrolment}`;
  sayResult({ user: describeUser(user) }, options, line);
}

type Create = (database: Database, scope: Scope) => Promise<User>;

function invitation(account: NewAccount): Create {
  return async (database, scope) => (await inviteUser(database, scope, account)).user;
}

/** Reads the password, and hashes it before any transaction. */
async function creation(account: NewAccount): Promise<Create> {
  const password = await readPassword(`Password for ${account.email}:`);
  const prepared = await prepareUser({ ...account, password }, readConfig().passwords);
  return (database, scope) =>
    inTransaction(database, async (db) => {
      const user = await createUser(db, prepared);
      await requireUnreserved(db, user.email, user.id, scope.now);
      await recordEvent(db, scope, { type: 'USER_CREATED', userId: user.id, detail: user.role });
      return user;
    });
}

/** Rejects the address of an existing user. @throws EmailTakenError that names the command for an existing user. */
async function requireNoUser(database: Database, { email, role }: { email: string; role: string }): Promise<void> {
  const user = await findUserByEmail(database, email);
  if (user === null) return;
  const exists = `There is a user with the address ${user.email} already`;
  if (user.role === role) throw new EmailTakenError(`${exists}, with the role ${role}.`);
  throw new EmailTakenError(`${exists}. To change the role: user set-role ${user.email} ${role}`);
}
