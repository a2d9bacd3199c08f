import type { Command } from 'commander';
import {
  deleteUser,
  reinstateUser,
  removePassword,
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
import { requireUserByIdentifierOrId } from '../../users/identifier.ts';
import { type User, whereSearched } from '../../users/user.ts';
import { describeSession, describeUser, sessionLine, userLine } from '../descriptions.ts';
import { counted, type JsonOption, jsonOption, say, sayJson, sayResult, sayRows } from '../output.ts';
import { toLimit } from '../to-limit.ts';
import { withDatabase } from '../with-database.ts';
import { eventLine } from './audit.ts';

/** The line for people, and further facts for programs. */
type Done = { line: string; [fact: string]: unknown };

type Act = (database: Database, scope: Scope, user: User) => Promise<Done>;

type ListOptions = JsonOption & { search?: string; role?: string; suspended?: boolean; limit: number };

const userArgument = ['<user>', 'email address, username or id of the user'] as const;

/** The number of events that `user show` prints. */
const shownEvents = 20;

const acts: [name: string, description: string, act: Act][] = [
  [
    'suspend',
    'End all sessions of a user, who cannot sign in until `reinstate`.',
    async (database, scope, { id, email }) => {
      const { sessions } = await suspendUser(database, scope, id, readConfig().adminRoles);
      return andEnded(`Suspended ${email}`, sessions.length);
    },
  ],
  [
    'reinstate',
    'Let a suspended user sign in again.',
    async (database, scope, { id, email }) => {
      await reinstateUser(database, scope, id);
      return { line: `Reinstated ${email}.` };
    },
  ],
  [
    'remove-password',
    'Remove the password of a user, because another person knows it. End all sessions, and void links and trusted ' +
      'devices. Then `reset-link` lets the user choose a new one.',
    async (database, scope, { id, email }) => {
      const { sessions } = await removePassword(database, scope, id);
      return andEnded(`Removed the password of ${email}`, sessions.length);
    },
  ],
  [
    'unlock',
    'Forget the failed attempts at the password and the second factor of a user, so that no cooldown applies.',
    async (database, scope, { id, email }) => {
      await unlockUser(database, scope, id);
      return { line: `Unlocked ${email}.` };
    },
  ],
  [
    'reset-link',
    'Print a link with which the user can choose a new password, once and within an hour. Earlier links become void. ' +
      'Give it to nobody but the user.',
    async (database, scope, user) => {
      const link = await issueResetLink(database, scope, user, readConfig().mail);
      return { line: link, link };
    },
  ],
];

/** Adds the commands that show and manage users. */
export function addUserCommand(program: Command): void {
  const group = program.command('user').description('Show and manage users, as administrators do over GraphQL.');
  group
    .command('list')
    .description('List users, newest first.')
    .option('--search <text>', 'only users with this text in the email, the name or the username')
    .option('--role <role>', 'only users with this role')
    .option('--suspended', 'only suspended users')
    .option('--limit <number>', 'maximum number of users', toLimit, 100)
    .option(...jsonOption)
    .action(listUsers);
  group
    .command('show')
    .description(
      'Show a user with the live sessions and the latest events. `session list` and `audit` show earlier ones.',
    )
    .argument(...userArgument)
    .option(...jsonOption)
    .action(showUser);
  group
    .command('set-role')
    .description(
      'Give a user another role. The first role of ADMIN_ROLES makes an administrator. A role of REQUIRE_SECOND_FACTOR ' +
        'ends the sessions that lack a second factor.',
    )
    .argument(...userArgument)
    .argument('<role>', 'new role')
    .option(...jsonOption)
    .action((user: string, role: string, options: JsonOption) =>
      withUser(user, options, async (database, scope, { id, email }) => {
        const { user: changed, sessions } = await setUserRole(database, scope, { id, role }, readConfig());
        const done = `${email} has the role ${changed.role}`;
        return sessions.length === 0
          ? { line: `${done}.` }
          : andEnded(`${done}, which needs a second factor`, sessions.length);
      }),
    );
  group
    .command('set-email')
    .description(
      'Give a user another email address, which you know to be theirs. It counts as not verified. Earlier links become ' +
        'void, and a mail notifies the old address, with a link to undo the change.',
    )
    .argument(...userArgument)
    .argument('<email>', 'new email address')
    .option(
      '--without-mail',
      'do not notify the old address, because somebody else reads it, and void links that undo changes',
    )
    .option(...jsonOption)
    .action((user: string, email: string, { withoutMail, ...options }: JsonOption & { withoutMail?: boolean }) =>
      withUser(user, options, async (database, scope, { id, email: before }) => {
        const changed = await setUserEmail(database, scope, { id, email, isMailed: !withoutMail });
        return { line: `${before} has the address ${changed.email}.` };
      }),
    );
  group
    .command('delete')
    .description('Delete a user with all sessions, permanently. A mail notifies the user.')
    .argument(...userArgument)
    .option('--yes', 'confirm that the deletion cannot be undone')
    .option(...jsonOption)
    .action((user: string, { yes, ...options }: JsonOption & { yes?: boolean }) => {
      if (!yes) throw new OperatorError('The deletion cannot be undone. Repeat the command with --yes.');
      return withUser(user, options, async (database, scope, { id, email }) => {
        const { sessions } = await deleteUser(database, scope, id, readConfig().adminRoles);
        return andEnded(`Deleted ${email}`, sessions.length);
      });
    });
  for (const [name, description, act] of acts) {
    group
      .command(name)
      .description(description)
      .argument(...userArgument)
      .option(...jsonOption)
      .action((user: string, options: JsonOption) => withUser(user, options, act));
  }
}

/** Returns the result of an act that ended sessions too. */
function andEnded(act: string, endedSessions: number): Done {
  return { line: `${act}, and ended ${counted(endedSessions, 'session')}.`, endedSessions };
}

/** Carries out an act on a user, and prints its result. The user in it is as before a deletion, and else as after. */
function withUser(name: string, options: JsonOption, act: Act): Promise<void> {
  return withDatabase(async (database, clock) => {
    const user = await requireUserByIdentifierOrId(database, name);
    const { line, ...facts } = await act(database, commandScope(clock.now()), user);
    const after = (await database.user.findUnique({ where: { id: user.id } })) ?? user;
    sayResult({ user: describeUser(after), ...facts }, options, line);
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
    const user = await requireUserByIdentifierOrId(database, name);
    const now = clock.now();
    const sessions = await database.$findLiveSessions([user.id], now);
    const where = { userId: user.id };
    const events = await database.auditEvent.findMany({ where, orderBy: { id: 'desc' }, take: shownEvents });
    const live = sessions.map((session) => describeSession(session, now));
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
