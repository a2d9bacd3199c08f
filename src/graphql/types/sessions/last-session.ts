import { type LastSession as LastSessionRow, lastSessionOf } from '../../../sessions/ended/last-session.ts';
import type { SessionWithUser } from '../../../sessions/session.ts';
import { builder } from '../../builder.ts';
import { SessionEndReason } from './session-end-reason.ts';

const SessionEndedBy = builder.enumType('SessionEndedBy', {
  description: 'Who ended a session.',
  values: {
    THIS_DEVICE: { description: 'The client of the session itself.' },
    OTHER_DEVICE: { description: 'The user, with another client.' },
    ADMINISTRATOR: { description: 'An administrator or an operator.' },
    SERVER: { description: 'The server: a timeout, or a backup that was restored.' },
  } as const,
});

const LastSession = builder.objectRef<LastSessionRow>('LastSession').implement({
  access: 'parent',
  description: 'The end of the last session of a client. Only a client that still has its token can see it.',
  fields: (t) => ({
    endedAt: t.expose('endedAt', { type: 'DateTime', description: 'When the session ended or expired.' }),
    endReason: t.expose('endReason', { type: SessionEndReason, description: 'Why the session ended.' }),
    endedBy: t.expose('endedBy', {
      type: SessionEndedBy,
      nullable: true,
      description: 'Who ended the session. Null if the account was deleted.',
    }),
    device: t.exposeString('device', {
      nullable: true,
      description:
        'The name of the client with which the user ended the session, such as `Safari on iPhone`. Null if an ' +
        'administrator or the server ended it, if the name is unknown, and after the server deleted it.',
    }),
  }),
});

/** The end of a session is read once for any number of selections in an operation. */
const found = new WeakMap<SessionWithUser, Promise<LastSessionRow | null>>();

builder.queryField('lastSession', (t) =>
  t.field({
    type: LastSession,
    nullable: true,
    access: 'public',
    description:
      'The end of the session whose token the request still carries, as a cookie or as a bearer token. It lets a client ' +
      'tell the user why they are signed out. Null for callers with a live session or without such a token, for ' +
      'sessions that were deleted after their retention, and for those that ended on an earlier version of the server.',
    resolve: (_root, _args, { caller, config, database }) => {
      const { endedSession } = caller.scope;
      if (endedSession === null) return null;
      const known = found.get(endedSession) ?? lastSessionOf(database, caller.scope, config);
      found.set(endedSession, known);
      return known;
    },
  }),
);
