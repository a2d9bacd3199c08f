import type { Session as SessionRow } from '../../sessions/session.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { Session } from './session.ts';
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

/** Returns the sessions of a user, with one query for many users. Sessions of other users come from the replica. */
function sessionsOf(userId: bigint, includeEnded: boolean, context: Context): Promise<SessionRow[] | null> {
  const { caller, database, replica, loaders } = context;
  const from = caller.scope.session?.userId === userId ? database : replica;
  const take = listLength(context);
  if (!includeEnded) return loaders.liveSessions(from, take).load(userId);
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
