import type { Session as SessionRow } from '../../sessions/session.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { Session } from './session.ts';
import { User } from './user.ts';

builder.prismaObjectField(User, 'sessions', (t) =>
  t.field({
    access: 'owner',
    type: [Session],
    nullable: { list: true, items: false },
    description:
      'Newest first: all live ones or, with the ended ones, the newest hundred. Null for anybody but the user and ' +
      'administrators.',
    args: {
      includeEnded: t.arg.boolean({
        required: true,
        defaultValue: false,
        description: 'Whether sessions that have ended or expired are listed too.',
      }),
    },
    complexity: ({ includeEnded }, context) => ({ field: 1, multiplier: likelyLength(includeEnded, context) }),
    resolve: (user, { includeEnded }, context) => sessionsOf(user.id, includeEnded, context),
  }),
);

/** The sessions of a user, of many users by one query. Those of others are a listing, and come from the replica. */
function sessionsOf(userId: number, includeEnded: boolean, context: Context): Promise<SessionRow[] | null> {
  const { caller, database, replica, loaders } = context;
  const from = caller.scope.session?.userId === userId ? database : replica;
  const take = listLength(context);
  if (!includeEnded) return loaders.liveSessions(from, take).load(userId);
  // Prisma makes one query of all that are asked for like this at once.
  return from.user.findUnique({ where: { id: userId } }).sessions({ orderBy: { id: 'desc' }, take });
}

/** How many sessions of a user are listed at most. The cap bounds the live ones, but for those from before it was lowered. */
function listLength({ config }: Context): number {
  return Math.max(100, config.sessions.maxPerUser);
}

/** How many of them are reckoned with when an operation is judged. */
function likelyLength(includeEnded: boolean, context: Context): number {
  return includeEnded ? listLength(context) : Math.max(20, context.config.sessions.maxPerUser);
}
