import type { Database } from '../../database/database.ts';
import type { Prisma } from '../../generated/sqlite/client.ts';
import type { Session as SessionRow } from '../../sessions/session.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { newestFirst } from '../pages.ts';
import { nestedPageComplexity } from '../plugins/limits.ts';
import { Session, SessionState } from './session.ts';
import { SessionConnection, type SessionFilter, whereListed } from './session-connection.ts';
import { User } from './user.ts';

builder.prismaObjectField(User, 'sessions', (t) =>
  t.field({
    access: 'reader',
    type: [Session],
    nullable: { list: true, items: false },
    description:
      'All live sessions of the user, newest first. With `includeEnded`, at most the newest hundred sessions. Null ' +
      'for callers who may not see the user.',
    args: {
      includeEnded: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'Includes sessions that have ended or expired.',
      }),
    },
    complexity: ({ includeEnded }, context) => ({ field: 1, multiplier: likelyLength(includeEnded, context) }),
    resolve: (user, { includeEnded }, context) => sessionsOf(user.id, includeEnded, context),
  }),
);

builder.prismaObjectField(User, 'sessionsConnection', (t) =>
  t.prismaConnection(
    {
      access: 'reader',
      type: Session,
      cursor: 'id',
      nullable: true,
      description:
        'The sessions of the user, newest first, page by page. By default only live ones. Null for callers who may ' +
        'not see the user.',
      complexity: nestedPageComplexity,
      args: {
        state: t.arg({
          type: SessionState,
          defaultValue: 'LIVE',
          description: 'Returns only sessions in this state. With null, it returns all sessions.',
        }),
      },
      resolve: (query, user, { state, ...cursors }, context) => {
        const from = databaseOf(user.id, context);
        const page = newestFirst(query, cursors, from);
        return from.session.findMany({ ...page, where: { AND: [page.where, whereOf(user.id, state, context)] } });
      },
      totalCount: (user, { state }, context) =>
        databaseOf(user.id, context).session.count({ where: whereOf(user.id, state, context) }),
    },
    SessionConnection,
  ),
);

function whereOf(userId: bigint, state: SessionFilter['state'], { caller }: Context): Prisma.SessionWhereInput {
  return { userId, ...whereListed({ state }, caller.scope.now) };
}

/** Returns the database to read the sessions of a user from: those of other users come from the replica. */
function databaseOf(userId: bigint, { caller, database, replica }: Context): Database {
  return caller.scope.session?.userId === userId ? database : replica;
}

/** Returns the sessions of a user, with one query for many users. */
function sessionsOf(userId: bigint, includeEnded: boolean, context: Context): Promise<SessionRow[] | null> {
  const from = databaseOf(userId, context);
  const take = listLength(context);
  if (!includeEnded) return context.loaders.liveSessions(from, take).load(userId);
  // Prisma batches these calls into one query.
  return from.user.findUnique({ where: { id: userId } }).sessions({ orderBy: { id: 'desc' }, take });
}

/** Returns the maximum length of the list. More live sessions than the cap exist only after the cap was lowered. */
function listLength({ config }: Context): number {
  return Math.max(100, config.sessions.maxPerUser);
}

/** Returns the length of the list that the complexity of an operation assumes. */
function likelyLength(includeEnded: boolean, context: Context): number {
  return includeEnded ? listLength(context) : Math.max(20, context.config.sessions.maxPerUser);
}
