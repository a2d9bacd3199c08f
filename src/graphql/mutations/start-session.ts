import type { Session as SessionRow } from '../../sessions/session.ts';
import { startAnonymousSession } from '../../sessions/start.ts';
import { builder } from '../builder.ts';
import { sessionStart } from '../plugins/limits.ts';
import { Session } from '../types/session.ts';
import { transportArgument } from './sign-in.ts';

export type StartedOrFound = { session: SessionRow; token: string | null };

const StartSessionPayload = builder.objectRef<StartedOrFound>('StartSessionPayload').implement({
  access: 'parent',
  description: 'The anonymous session that was started, or the live session that the caller already has.',
  fields: (t) => ({
    session: t.expose('session', { type: Session, description: 'The session of the caller.' }),
    token: t.exposeString('token', {
      nullable: true,
      description:
        'The secret of a new bearer session; it is never shown again. Null for a cookie or an older session.',
    }),
    antiCSRFToken: t.string({
      nullable: true,
      description:
        'To be sent in the `anti-csrf` header of every mutation. Null for a bearer session, which needs none.',
      resolve: (_started, _args, { caller }) => caller.antiCSRFToken,
    }),
  }),
});

builder.mutationField('startSession', (t) =>
  t.field({
    access: 'public',
    type: StartSessionPayload,
    complexity: sessionStart,
    description:
      'Starts an anonymous session, which keeps a visitor’s data until they log in. Whoever has a live session already ' +
      'keeps it. Nothing else starts a session unasked. One that is not used again ends within hours. RATE_LIMITED ' +
      'where an address starts too many.',
    args: { transport: t.arg(transportArgument) },
    resolve: async (_root, { transport }, { caller, database, config }) => {
      const { session } = caller.scope;
      if (session) return { session, token: null };
      const started = await startAnonymousSession(database, caller.scope, { transport }, config);
      caller.signIn(started);
      return { session: started.session, token: transport === 'BEARER' ? started.token : null };
    },
  }),
);
