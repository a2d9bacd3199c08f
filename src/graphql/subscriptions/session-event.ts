/** The messages of `sessionEvents`. */
import type { Session as SessionRow } from '../../sessions/session.ts';
import type { Message } from '../../streams/messages.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { toNodeId } from '../node-id.ts';
import { Session } from '../types/sessions/session.ts';
import { SessionEndReason } from '../types/sessions/session-end-reason.ts';
import { User } from '../types/user.ts';
import { toEventCursor } from './cursor.ts';
import { cursorDescription } from './open.ts';

type Of<Kind extends Message['kind']> = Extract<Message, { kind: Kind }>;

const cursorField = { description: cursorDescription, resolve: ({ cursor }: Message) => toEventCursor(cursor) };

const SessionsSnapshot = builder.objectRef<Of<'start'>>('SessionsSnapshot').implement({
  access: 'parent',
  description:
    'The first message: the state at which the stream begins. For a stream that is resumed, it is the current state, and ' +
    'the messages that the client missed follow.',
  fields: (t) => ({
    cursor: t.string(cursorField),
    viewer: t.field({
      type: User,
      description: 'The signed-in user. `sessions` lists the live sessions.',
      nullable: true,
      resolve: (_message, _args, { caller }) => caller.scope.session?.user ?? null,
    }),
    currentSession: t.field({
      type: Session,
      nullable: true,
      description: 'The session that reads the stream.',
      resolve: (_message, _args, { caller }) => caller.scope.session,
    }),
  }),
});

const handleField = { description: 'The `handle` of the session.' };

const sessionField = {
  type: Session,
  nullable: true,
  description: 'The session as it is now. Null after it was deleted.',
  resolve: ({ handle }: { handle: string }, _args: object, context: Context) => sessionOf(handle, context),
} as const;

const SessionStarted = builder.objectRef<Of<'started'>>('SessionStarted').implement({
  access: 'parent',
  description: 'A session of the user started: a login on this or another device.',
  fields: (t) => ({
    cursor: t.string(cursorField),
    sessionHandle: t.exposeString('handle', handleField),
    session: t.field(sessionField),
  }),
});

const SessionEnded = builder.objectRef<Of<'ended'>>('SessionEnded').implement({
  access: 'parent',
  description:
    'A session of the user ended. If it is the session that reads the stream, this is the last message: the server then ' +
    'completes the subscription.',
  fields: (t) => ({
    cursor: t.string(cursorField),
    sessionId: t.id({
      nullable: true,
      description: 'The `id` of the session, for caches. Null after it was deleted together with the account.',
      resolve: async ({ handle }, _args, { database }) => {
        const session = await database.$findSession(handle);
        return session && toNodeId('Session', session.id);
      },
    }),
    sessionHandle: t.exposeString('handle', handleField),
    reason: t.expose('reason', { type: SessionEndReason, description: 'Why the session ended.' }),
    endedAt: t.expose('endedAt', { type: 'DateTime', description: 'When the session ended or expired.' }),
  }),
});

const SessionChanged = builder.objectRef<Of<'changed'>>('SessionChanged').implement({
  access: 'parent',
  description: 'A session of the user changed: its data, or the last proof of the password in it.',
  fields: (t) => ({
    cursor: t.string(cursorField),
    sessionHandle: t.exposeString('handle', handleField),
    session: t.field(sessionField),
  }),
});

const ViewerChanged = builder.objectRef<Of<'viewer'>>('ViewerChanged').implement({
  access: 'parent',
  description: 'The signed-in user changed: the name, the address, the role, or the password was removed.',
  fields: (t) => ({
    cursor: t.string(cursorField),
    viewer: t.field({
      type: User,
      nullable: true,
      description: 'The user as it is now.',
      resolve: (_message, _args, { caller }) => caller.scope.session?.user ?? null,
    }),
  }),
});

/** Returns the session with a handle of the reader's own events. Null if the reader's session ended meanwhile. */
async function sessionOf(handle: string, { caller, database }: Context): Promise<SessionRow | null> {
  const { session: own } = caller.scope;
  const session = own?.handle === handle ? own : await database.$findSession(handle);
  return session !== null && session.userId !== null && session.userId === own?.userId ? session : null;
}

const types = {
  start: SessionsSnapshot,
  started: SessionStarted,
  ended: SessionEnded,
  changed: SessionChanged,
  viewer: ViewerChanged,
} as const;

/** A message of the stream of the reader's own sessions. */
export type SessionMessage = Of<keyof typeof types>;

export const SessionEvent = builder.unionType('SessionEvent', {
  description: 'A message of `sessionEvents`. More kinds may be added.',
  types: Object.values(types),
  resolveType: (message) => types[(message as SessionMessage).kind],
});
