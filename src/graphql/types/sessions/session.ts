import type { Scope } from '../../../scope.ts';
import { clientName } from '../../../sessions/client-name.ts';
import { type DataColumn, parseData, type SessionData } from '../../../sessions/data.ts';
import { isLive, type Session as SessionRow } from '../../../sessions/session.ts';
import type { User as UserRow } from '../../../users/user.ts';
import { builder } from '../../builder.ts';
import { type Context, canSeeUser } from '../../context.ts';
import { toNodeId } from '../../node-id.ts';
import { User } from '../user.ts';

export const SessionState = builder.enumType('SessionState', {
  description: 'The state of a session.',
  values: {
    LIVE: { description: 'The server accepts its token.' },
    ENDED: { description: 'Logged out, revoked or expired. The server rejects its token.' },
  } as const,
});

/**
 * The complexity of a field with session data, up to 16 KB of JSON. It allows 120 of them per response. So a list of
 * the maximum length, a hundred sessions, can still include them.
 */
const dataComplexity = 25;

export const Session = builder.prismaObject('Session', {
  access: 'parent',
  description:
    'A session: of a signed-in user, or of an anonymous visitor. Visible to its user, to administrators, and to ' +
    'services with the scope `users:read`.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('Session', id),
    }),
    handle: t.exposeString('handle', {
      description: 'A random name for logs and support. It grants no access.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the session started.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the session was last changed.' }),
    lastSeenAt: t.field({
      type: 'DateTime',
      description: 'When the session was last used, accurate to a tenth of the idle timeout.',
      resolve: (session) => session.lastSeenAt ?? session.createdAt,
    }),
    authenticatedAt: t.expose('authenticatedAt', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the user last proved the identity in this session, by any method. Null if that is unknown, and for ' +
        'anonymous sessions.',
    }),
    userAgent: t.exposeString('userAgent', {
      nullable: true,
      description:
        'The User-Agent header of the last recorded use by the client itself. Requests of a backend that passes its ' +
        'token on do not count. Null if there was none, and after the server deleted it.',
    }),
    clientName: t.string({
      nullable: true,
      description:
        'The name of the client, from the user agent: for example `Firefox on Windows`. Null if it is unknown.',
      resolve: ({ userAgent }) => clientName(userAgent),
    }),
    ipAddress: t.exposeString('ipAddress', {
      nullable: true,
      description:
        'The IP address of the last recorded use by the client itself. Null if it is unknown, and after the server ' +
        'deleted it.',
    }),
    publicData: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The data of the client in this session: a JSON object. Null if there is none, and after the session has ' +
        'ended.',
      complexity: dataComplexity,
      resolve: (session) => dataOf(session, 'publicData'),
    }),
    privateData: t.field({
      type: 'JSON',
      nullable: true,
      access: 'sessionDataReader',
      description:
        'The data of services in this session: a JSON object. Reading it records an audit event. Null for callers ' +
        'other than services with the scope `session-data`, if there is none, and after the session has ended.',
      complexity: dataComplexity,
      resolve: async (session, _args, { loaders, caller }) => {
        if (session.privateData !== null) await loaders.privateDataReads(caller.scope).load(session);
        return dataOf(session, 'privateData');
      },
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'When the session expires unless it is used before. For an ended session, when it ended.',
    }),
    state: t.field({
      type: SessionState,
      description: 'Whether the server accepts the session.',
      resolve: (session, _args, { caller }) => (isLive(session, caller.scope.now) ? 'LIVE' : 'ENDED'),
    }),
    isCurrent: t.boolean({
      description: 'Whether this is the session of the request.',
      resolve: (session, _args, { caller }) => isCurrent(session, caller.scope),
    }),
    antiCSRFToken: t.string({
      nullable: true,
      description:
        'The anti-CSRF token. The client of a cookie session sends it in the `anti-csrf` header of every mutation. ' +
        'Null for bearer sessions, and for all sessions except the current one.',
      resolve: (session, _args, { caller }) => (isCurrent(session, caller.scope) ? caller.antiCSRFToken : null),
    }),
    user: t.field({
      type: User,
      nullable: true,
      description: 'The user of the session. Null for an anonymous session, and if the caller may not see the user.',
      resolve: (session, _args, context) => userOf(session, context),
    }),
  }),
});

const parsedData = {
  publicData: new WeakMap<SessionRow, SessionData | null>(),
  privateData: new WeakMap<SessionRow, SessionData | null>(),
} satisfies Record<DataColumn, unknown>;

/** Returns the data of a session. Parses it once, for any number of selections in an operation. */
function dataOf(session: SessionRow, column: DataColumn): SessionData | null {
  const known = parsedData[column].get(session);
  if (known !== undefined) return known;
  const data = parseData(session[column]);
  parsedData[column].set(session, data);
  return data;
}

/**
 * Returns the user of a session. A relation of Pothos would query the database again for a user that the request has
 * loaded already, together with its session.
 */
function userOf({ userId }: SessionRow, context: Context): UserRow | null | Promise<UserRow | null> {
  const { caller, loaders } = context;
  const { scope } = caller;
  if (userId === null || !canSeeUser(userId, scope)) return null;
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
    description: 'The session of the request. Null without one.',
    resolve: (_root, _args, { caller }) => caller.scope.session,
  }),
);

/** Every handle, also that of another system, whose form this server does not know. */
const handleForm = /^[\x21-\x7e]{1,200}$/;

builder.queryField('session', (t) =>
  t.field({
    type: Session,
    nullable: true,
    access: 'directory',
    description:
      'The session with this handle, also after it has ended. Null if there is none. Only for administrators and for ' +
      'services with the scope `users:read`.',
    args: { handle: t.arg.string({ required: true, description: 'The `handle` of the session.' }) },
    resolve: (_root, { handle }, { database }) => (handleForm.test(handle) ? database.$findSession(handle) : null),
  }),
);
