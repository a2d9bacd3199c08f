import type { Command } from 'commander';
import {
  deleteUser,
  reinstateUser,
  setUserEmail,
  setUserRole,
  suspendUser,
  unlockUser,
} from '../../accounts/administration.ts';
import { issueResetLink } from '../../accounts/reset-password.ts';
import { readConfig } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { OperatorError } from '../../errors.ts';
import type { Prisma } from '../../generated/sqlite/client.ts';
import { commandScope, type Scope } from '../../scope.ts';
import { clientName } from '../../sessions/client-name.ts';
import type { Session } from '../../sessions/session.ts';
import { requireUserByEmailOrId, type User, whereSearched } from '../../users/user.ts';
import { columns, counted, type JsonOption, jsonOption, say, sayJson, sayRows } from '../output.ts';
import { toLimit } from '../to-limit.ts';
import { withDatabase } from '../with-database.ts';
import { eventLine } from './audit.ts';

type Act = (database: Database, scope: Scope, user: User) => Promise<string>;

type ListOptions = JsonOption & { search?: string; role?: string; suspended?: boolean; limit: number };

const userArgument = ['<user>', 'email address or id of the user'] as const;

/** The number of events that `user show` prints. */
const shownEvents = 20;

const acts: [name: string, description: string, act: Act][] = [
  [
    'suspend',
    'End all sessions of a user, who cannot sign in until `reinstate`.',
    async (database, scope, { id, email }) => {
      const { sessions } = await suspendUser(database, scope, id, readConfig().adminRoles);
      return `Suspended ${email}, and ended ${counted(sessions.length, 'session')}.`;
    },
  ],
  [
    'reinstate',
    'Let a suspended user sign in again.',
    async (database, scope, { id, email }) => {
      await reinstateUser(database, scope, id);
      return `Reinstated ${email}.`;
    },
  ],
  [
    'unlock',
    'Forget the failed attempts at the password of a user, so that no cooldown applies.',
    async (database, scope, { id, email }) => {
      await unlockUser(database, scope, id);
      return `Unlocked ${email}.`;
    },
  ],
  [
    'reset-link',
    'Print a link with which the user can choose a new password, once and within an hour. Earlier links become void. ' +
      'Give it to nobody but the user.',
    async (database, scope, user) => issueResetLink(database, scope, user, readConfig().mail),
  ],
];

/** Adds the commands that show and manage users. */
export function addUserCommand(program: Command): void {
  const group = program.command('user').description('Show and manage users, as administrators do over GraphQL.');
  group
    .command('list')
    .description('List users, newest first.')
    .option('--search <text>', 'only users with this text in the email or the name')
    .option('--role <role>', 'only users with this role')
    .option('--suspended', 'only suspended users')
    .option('--limit <number>', 'maximum number of users', toLimit, 100)
    .option(...jsonOption)
    .action(listUsers);
  group
    .command('show')
    .description('Show a user with the live sessions and the latest events.')
    .argument(...userArgument)
    .option(...jsonOption)
    .action(showUser);
  group
    .command('set-role')
    .description('Give a user another role. The first role of ADMIN_ROLES makes an administrator.')
    .argument(...userArgument)
    .argument('<role>', 'new role')
    .action((user: string, role: string) =>
      withUser(user, async (database, scope, { id, email }) => {
        const changed = await setUserRole(database, scope, { id, role }, readConfig().adminRoles);
        return `${email} has the role ${changed.user.role}.`;
      }),
    );
  group
    .command('set-email')
    .description(
      'Give a user another email address, which you know to be theirs. It counts as not verified. Earlier links become ' +
        'void, and a mail notifies the old address.',
    )
    .argument(...userArgument)
    .argument('<email>', 'new email address')
    .action((user: string, email: string) =>
      withUser(user, async (database, scope, { id, email: before }) => {
        const changed = await setUserEmail(database, scope, { id, email });
        return `${before} has the address ${changed.email}.`;
      }),
    );
  group
    .command('delete')
    .description('Delete a user with all sessions, permanently. A mail notifies the user.')
    .argument(...userArgument)
    .option('--yes', 'confirm that the deletion cannot be undone')
    .action((user: string, { yes }: { yes?: boolean }) => {
      if (!yes) throw new OperatorError('The deletion cannot be undone. Repeat the command with --yes.');
      return withUser(user, async (database, scope, { id, email }) => {
        const { sessions } = await deleteUser(database, scope, id, readConfig().adminRoles);
        return `Deleted ${email}, and ended ${counted(sessions.length, 'session')}.`;
      });
    });
  for (const [name, description, act] of acts) {
    group
      .command(name)
      .description(description)
      .argument(...userArgument)
      .action((user: string) => withUser(user, act));
  }
}

/** Carries out an act on a user, and prints its result. */
function withUser(name: string, act: Act): Promise<void> {
  return withDatabase(async (database, clock) => {
    const user = await requireUserByEmailOrId(database, name);
    say(await act(database, commandScope(clock.now()), user));
  });
}

async function listUsers({ search, role, suspended, ...options }: ListOptions): Promise<void> {
  const { databaseUrl } = readConfig();
  await withDatabase(async (database) => {
    const where: Prisma.UserWhereInput = {
      ...(search === undefined ? {} : whereSearched(search, databaseUrl)),
      ...(role === undefined ? {} : { role }),
      ...(suspended ? { suspendedAt: { not: null } } : {}),
    };
    const users = await database.user.findMany({ where, orderBy: { id: 'desc' }, take: options.limit });
    sayRows(users.map(describeUser), options, userLine);
  });
}

async function showUser(name: string, options: JsonOption): Promise<void> {
  await withDatabase(async (database, clock) => {
    const user = await requireUserByEmailOrId(database, name);
    const sessions = await database.$findLiveSessions([user.id], clock.now());
    const where = { userId: user.id };
    const events = await database.auditEvent.findMany({ where, orderBy: { id: 'desc' }, take: shownEvents });
    const live = sessions.map(describeSession);
    if (options.json) {
      sayJson({ ...describeUser(user), sessions: live, events });
      return;
    }
    say(userLine(describeUser(user)));
    say(`${counted(live.length, 'live session')}${live.length > 0 ? ':' : '.'}`);
    for (const session of live) say(`  ${sessionLine(session)}`);
    say('Latest events:');
    for (const event of events) say(`  ${eventLine(event)}`);
  });
}

/** Returns the facts about a user that an administrator may see: never the hash of the password. */
function describeUser({ id, email, name, role, createdAt, emailVerifiedAt, suspendedAt, hashedPassword }: User) {
  return { id, email, name, role, createdAt, emailVerifiedAt, suspendedAt, hasPassword: hashedPassword !== null };
}

function userLine({ id, email, name, role, createdAt, ...user }: ReturnType<typeof describeUser>): string {
  return columns(
    String(id),
    email,
    name,
    role,
    `since ${createdAt.toISOString()}`,
    user.emailVerifiedAt === null && 'address not verified',
    user.suspendedAt !== null && 'suspended',
    !user.hasPassword && 'no password',
  );
}

function describeSession({ handle, createdAt, lastSeenAt, expiresAt, userAgent, ipAddress }: Session) {
  return { handle, createdAt, lastSeenAt, expiresAt, clientName: clientName(userAgent), ipAddress };
}

function sessionLine({ handle, createdAt, expiresAt, ...session }: ReturnType<typeof describeSession>): string {
  const times = `${createdAt.toISOString()} to ${expiresAt.toISOString()}`;
  return columns(handle, times, session.clientName, session.ipAddress);
}
