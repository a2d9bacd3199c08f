import type { Prisma } from '../../generated/sqlite/client.ts';
import type { Scope } from '../../scope.ts';
import { type DataColumn, parseData, type SessionData } from '../../sessions/data.ts';
import { deviceName } from '../../sessions/device.ts';
import { isLive, type Session as SessionRow, whereLive } from '../../sessions/session.ts';
import type { User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { type Context, maySeeOf } from '../context.ts';
import { requireCursors, toNodeId } from '../node-id.ts';
import { pageComplexity } from '../plugins/limits.ts';
import { User } from './user.ts';

const SessionState = builder.enumType('SessionState', {
  description: 'Whether a session is accepted.',
  values: {
    LIVE: { description: 'Requests that carry its token are accepted.' },
    ENDED: { description: 'Logged out, revoked or expired: its token is worth nothing any more.' },
  } as const,
});

/**
 * The complexity of a field with data, which may be 16 KB of JSON: an operation answers with at most 120 of them. A
 * hundred sessions, as many as a list may have, can still be listed with theirs.
 */
const dataComplexity = 25;

export const Session = builder.prismaObject('Session', {
  access: 'parent',
  description: 'One device or program that is signed in. Visible to its user and to administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'Unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('Session', id),
    }),
    handle: t.exposeString('handle', {
      description: 'A random name for the session, for logs and support. It opens nothing.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the session started.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the session was last changed.' }),
    lastSeenAt: t.field({
      type: 'DateTime',
      description: 'When the session was last used, to within a tenth of the idle timeout.',
      resolve: (session) => session.lastSeenAt ?? session.createdAt,
    }),
    authenticatedAt: t.expose('authenticatedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the user last proved the password in this session. Null where that is not known, and for anonymous sessions.',
    }),
    userAgent: t.exposeString('userAgent', {
      nullable: true,
      description:
        'The User-Agent header of the last use that was noted. Null if there was none, and once it is forgotten.',
    }),
    clientName: t.string({
      nullable: true,
      description: 'The user agent as a person would say it, such as `Firefox on Windows`. Null if it does not tell.',
      resolve: ({ userAgent }) => deviceName(userAgent),
    }),
    ipAddress: t.exposeString('ipAddress', {
      nullable: true,
      description:
        'The address that the session was last used from. Null if it is not known, and once it is forgotten.',
    }),
    publicData: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'What the client keeps in the session: a JSON object. Null if there is none, and after the session has ended.',
      complexity: dataComplexity,
      resolve: (session) => dataOf(session, 'publicData'),
    }),
    privateData: t.field({
      type: 'JSON',
      nullable: true,
      access: 'service',
      description:
        'What trusted services keep in the session: a JSON object. Null if there is none, and after the session has ended. ' +
        'FORBIDDEN for everybody else.',
      complexity: dataComplexity,
      resolve: (session) => dataOf(session, 'privateData'),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the session ends by itself if it is not used before then, or when it ended.',
    }),
    state: t.field({
      type: SessionState,
      description: 'Whether the session is accepted.',
      resolve: (session, _args, { caller }) => (isLive(session, caller.scope.now) ? 'LIVE' : 'ENDED'),
    }),
    isCurrent: t.boolean({
      description: 'Whether this is the session of this very request.',
      resolve: (session, _args, { caller }) => isCurrent(session, caller.scope),
    }),
    antiCSRFToken: t.string({
      nullable: true,
      description:
        'What the client of a cookie session sends in the `anti-csrf` header of every mutation. ' +
        'Null for every session but that of this request, and for sessions whose token is a bearer token.',
      resolve: (session, _args, { caller }) => (isCurrent(session, caller.scope) ? caller.antiCSRFToken : null),
    }),
    user: t.field({
      type: User,
      nullable: true,
      description: 'Whose session it is. Null for an anonymous session, and where the user is not the caller’s to see.',
      resolve: (session, _args, context) => userOf(session, context),
    }),
  }),
});

const parsedData = {
  publicData: new WeakMap<SessionRow, SessionData | null>(),
  privateData: new WeakMap<SessionRow, SessionData | null>(),
} satisfies Record<DataColumn, unknown>;

/** The data of a session, parsed once however often an operation selects it. */
function dataOf(session: SessionRow, column: DataColumn): SessionData | null {
  const known = parsedData[column].get(session);
  if (known !== undefined) return known;
  const data = parseData(session[column]);
  parsedData[column].set(session, data);
  return data;
}

/**
 * The user of a session. Not a relation of Pothos, which would ask the database for what has been loaded long since,
 * with the session of the request.
 */
function userOf({ userId }: SessionRow, context: Context): UserRow | null | Promise<UserRow | null> {
  const { caller, loaders } = context;
  const { scope } = caller;
  if (userId === null || !maySeeOf(userId, scope)) return null;
  return scope.session?.userId === userId ? scope.session.user : loaders.user(userId);
}

/** Returns whether this is the session of the request. */
export function isCurrent(session: SessionRow, scope: Scope): boolean {
  return session.id === scope.session?.id;
}

builder.queryField('currentSession', (t) =>
  t.field({
    type: Session,
    nullable: true,
    access: 'public',
    description: 'The session of this request. Null when there is none.',
    resolve: (_root, _args, { caller }) => caller.scope.session,
  }),
);

const SessionConnection = builder.connectionObject(
  { type: Session, name: 'SessionConnection', description: 'A page of sessions.' },
  { description: 'A session on a page.' },
);

builder.queryField('sessions', (t) =>
  t.prismaConnection(
    {
      type: Session,
      cursor: 'id',
      nullable: true,
      description: 'The sessions of everybody, newest first. For administrators only.',
      complexity: pageComplexity,
      access: 'admin',
      args: {
        state: t.arg({ type: SessionState, description: 'Only those that are live, or only those that have ended.' }),
        anonymous: t.arg.boolean({ description: 'Only those without a user, or only those with one.' }),
      },
      resolve: (query, _root, args, context) => {
        requireCursors(args);
        const where = whereListed(args, context.caller.scope.now);
        return context.replica.session.findMany({ ...query, where, orderBy: { id: 'desc' } });
      },
      totalCount: (_root, args, { replica, caller }) =>
        replica.session.count({ where: whereListed(args, caller.scope.now) }),
    },
    SessionConnection,
  ),
);

type SessionFilter = { state?: 'LIVE' | 'ENDED' | null | undefined; anonymous?: boolean | null | undefined };

function whereListed({ state, anonymous }: SessionFilter, now: Date): Prisma.SessionWhereInput {
  return {
    ...(state === 'LIVE' ? whereLive(now) : {}),
    ...(state === 'ENDED' ? { NOT: whereLive(now) } : {}),
    ...(anonymous == null ? {} : { userId: anonymous ? null : { not: null } }),
  };
}
