import type { Database } from '../../../database/database.ts';
import type { Prisma } from '../../../generated/sqlite/client.ts';
import type { Session as SessionRow } from '../../../sessions/session.ts';
import { builder } from '../../builder.ts';
import type { Context } from '../../context.ts';
import { newestFirst, pageOf } from '../../pages.ts';
import { nestedPageComplexity } from '../../plugins/limits.ts';
import { User } from '../user.ts';
import { Session, SessionState } from './session.ts';
import { SessionConnection, type SessionFilter, whereListed } from './session-connection.ts';

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
      resolve: async (query, user, { state, ...cursors }, context) => {
        const from = databaseOf(user.id, context);
        // The rows of the list have all columns that a query may select. Spread, the query counts as used.
        if (state === 'LIVE') return pageOf(await liveSessionsOf(user.id, context), { ...query }, cursors, from);
        return from.session.findMany(newestFirst(query, cursors, from, whereOf(user.id, state, context)));
      },
      totalCount: (user, { state }, context) => countSessions(user.id, state, context),
    },
    SessionConnection,
  ),
);

/** Returns all live sessions of a user: few, with one query for many users and for all pages of an operation. */
function liveSessionsOf(userId: bigint, context: Context): Promise<SessionRow[]> {
  return context.loaders.liveSessions(databaseOf(userId, context)).load(userId);
}

async function countSessions(userId: bigint, state: SessionFilter['state'], context: Context): Promise<number> {
  if (state === 'LIVE') return (await liveSessionsOf(userId, context)).length;
  return context.loaders.count(`sessions of ${userId}, ${state}`, () =>
    databaseOf(userId, context).session.count({ where: whereOf(userId, state, context) }),
  );
}

function whereOf(userId: bigint, state: SessionFilter['state'], { caller }: Context): Prisma.SessionWhereInput {
  return { userId, ...whereListed({ state }, caller.scope.now) };
}

/** Returns the database to read the sessions of a user from: those of other users come from the replica. */
function databaseOf(userId: bigint, { caller, database, replica }: Context): Database {
  return caller.scope.session?.userId === userId ? database : replica;
}

/** Returns the sessions of a user, with one query for many users. */
async function sessionsOf(userId: bigint, includeEnded: boolean, context: Context): Promise<SessionRow[] | null> {
  const take = listLength(context);
  if (!includeEnded) return (await liveSessionsOf(userId, context)).slice(0, take);
  // Prisma batches these calls into one query.
  return databaseOf(userId, context)
    .user.findUnique({ where: { id: userId } })
    .sessions({ orderBy: { id: 'desc' }, take });
}

/** Returns the maximum length of the list. More live sessions than the cap exist only after the cap was lowered. */
function listLength({ config }: Context): number {
  return Math.max(100, config.sessions.maxPerUser);
}

/** Returns the length of the list that the complexity of an operation assumes. */
function likelyLength(includeEnded: boolean, context: Context): number {
  return includeEnded ? listLength(context) : Math.max(20, context.config.sessions.maxPerUser);
}
