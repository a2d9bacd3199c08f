import { ReauthenticationRequiredError, SessionNotFoundError } from '../../../errors.ts';
import { requireUser } from '../../../scope.ts';
import { logout, revokeAll, revokeOthers, revokeSession } from '../../../sessions/revoke.ts';
import type { Session as SessionRow } from '../../../sessions/session.ts';
import type { User as UserRow } from '../../../users/user.ts';
import { builder } from '../../builder.ts';
import type { Caller } from '../../context.ts';
import { parseNodeId } from '../../node-id.ts';
import { isCurrent, Session } from '../../types/sessions/session.ts';
import { User } from '../../types/user.ts';

const LogoutPayload = builder.objectRef<{ endedSession: SessionRow | null }>('LogoutPayload').implement({
  access: 'parent',
  description: 'The result of a logout. The caller has no session any more.',
  fields: (t) => ({
    revokedSessionId: t.globalID({
      nullable: true,
      description: 'The ID of the session that this logout ended. Null if there was none.',
      resolve: ({ endedSession }) => endedSession && toGlobalId(endedSession),
    }),
  }),
});

type Revoked = { session: SessionRow; ended: boolean; viewer: UserRow | null };

const RevokePayload = builder.objectRef<Revoked>('RevokePayload').implement({
  access: 'parent',
  description: 'The revoked session.',
  fields: (t) => ({
    revokedSessionId: t.globalID({
      nullable: true,
      description:
        'The ID of the session if this mutation ended it. Null if it had ended before: of several callers at once, ' +
        'only one gets the ID.',
      resolve: ({ session, ended }) => (ended ? toGlobalId(session) : null),
    }),
    session: t.expose('session', { type: Session, description: 'The session after the revocation.' }),
    viewer: t.expose('viewer', {
      type: User,
      nullable: true,
      description: 'The signed-in user. Null if the caller revoked its own session, or is anonymous.',
    }),
  }),
});

type RevokedMany = { sessions: SessionRow[]; viewer: UserRow | null };

const RevokeSessionsPayload = builder.objectRef<RevokedMany>('RevokeSessionsPayload').implement({
  access: 'parent',
  description: 'The result of revoking several sessions.',
  fields: (t) => ({
    revokedSessionIds: t.globalIDList({
      description: 'The IDs of the sessions that this mutation ended. Empty if none was live.',
      resolve: ({ sessions }) => sessions.map(toGlobalId),
    }),
    viewer: t.expose('viewer', {
      type: User,
      nullable: true,
      description: 'The signed-in user. Null after `revokeAll`, which also ends the session of the caller.',
    }),
  }),
});

/** Returns the parts of the global ID of a session, from which Pothos makes it. */
export function toGlobalId(session: SessionRow) {
  return { id: String(session.id), type: 'Session' };
}

builder.mutationField('logout', (t) =>
  t.field({
    access: 'public',
    type: LogoutPayload,
    description: 'Ends the session of the request. Without a session, it does nothing and succeeds.',
    resolve: async (_root, _args, { caller, database }) => {
      if (!caller.scope.session) return { endedSession: null };
      const endedSession = await logout(database, caller.scope);
      caller.signOut();
      return { endedSession };
    },
  }),
);

builder.mutationField('revoke', (t) =>
  t.field({
    access: 'session',
    type: RevokePayload,
    requiresProof: { when: 'sometimes' },
    errors: { types: [SessionNotFoundError, ReauthenticationRequiredError] },
    description:
      'Ends one session of the caller, without any proof. Administrators can end any session if they have proved the ' +
      'identity recently: see `reauthenticate`. Revoking an ended session succeeds.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of the session.' }) },
    resolve: async (_root, { id }, { caller, config, database }) => {
      const node = parseNodeId(id, database);
      if (node?.type !== 'Session') throw new SessionNotFoundError();
      const { session, ended } = await revokeSession(database, caller.scope, node.id, config);
      signOutIfOver(caller, [session]);
      return { session, ended, viewer: caller.scope.session?.user ?? null };
    },
  }),
);

builder.mutationField('revokeOthers', (t) =>
  t.field({
    access: 'user',
    type: RevokeSessionsPayload,
    description: 'Ends all sessions of the signed-in user, except the session of the request.',
    resolve: async (_root, _args, { caller, database }) => {
      const scope = requireUser(caller.scope);
      return { sessions: await revokeOthers(database, scope), viewer: scope.session.user };
    },
  }),
);

builder.mutationField('revokeAll', (t) =>
  t.field({
    access: 'user',
    type: RevokeSessionsPayload,
    description: 'Ends all sessions of the signed-in user, including the session of the request.',
    resolve: async (_root, _args, { caller, database }) => {
      const scope = requireUser(caller.scope);
      const sessions = await revokeAll(database, scope);
      signOutIfOver(caller, sessions);
      return { sessions, viewer: caller.scope.session?.user ?? null };
    },
  }),
);

/** Signs the caller out if its session is among the ended ones. */
export function signOutIfOver(caller: Caller, ended: SessionRow[]): void {
  if (ended.some((session) => isCurrent(session, caller.scope))) caller.signOut();
}
