import type { Prisma } from '../../../generated/sqlite/client.ts';
import { whereLive } from '../../../sessions/session.ts';
import { builder } from '../../builder.ts';
import { newestFirst } from '../../pages.ts';
import { pageComplexity } from '../../plugins/limits.ts';
import { Session, SessionState } from './session.ts';

export const SessionConnection = builder.connectionObject(
  { type: Session, name: 'SessionConnection', description: 'A page of sessions.' },
  { description: 'A session on a page.' },
);

builder.queryField('sessions', (t) =>
  t.prismaConnection(
    {
      type: Session,
      cursor: 'id',
      nullable: true,
      semanticNonNull: true,
      description: 'The sessions of all users and visitors, newest first. Only for administrators.',
      complexity: pageComplexity,
      access: 'admin',
      args: {
        state: t.arg({ type: SessionState, description: 'Returns only sessions in this state.' }),
        anonymous: t.arg.boolean({
          description: 'Returns only anonymous sessions (true), or only sessions with a user (false).',
        }),
      },
      resolve: (query, _root, args, { replica, caller }) => {
        const where = whereListed(args, caller.scope.now);
        return replica.session.findMany(newestFirst(query, args, replica, where));
      },
      totalCount: (_root, args, { replica, caller }) =>
        replica.session.count({ where: whereListed(args, caller.scope.now) }),
    },
    SessionConnection,
  ),
);

export type SessionFilter = { state?: 'LIVE' | 'ENDED' | null | undefined; anonymous?: boolean | null | undefined };

/** Returns the condition for a filter. */
export function whereListed({ state, anonymous }: SessionFilter, now: Date): Prisma.SessionWhereInput {
  return {
    ...(state === 'LIVE' ? whereLive(now) : {}),
    ...(state === 'ENDED' ? { NOT: whereLive(now) } : {}),
    ...(anonymous == null ? {} : { userId: anonymous ? null : { not: null } }),
  };
}
