import type { Session as SessionRow } from '../../../sessions/session.ts';
import { startAnonymousSession } from '../../../sessions/start.ts';
import { builder } from '../../builder.ts';
import { sessionStart } from '../../plugins/limits.ts';
import { Session } from '../../types/sessions/session.ts';
import { requireTransport, transportArgument } from '../sign-in.ts';

export type StartedOrFound = { session: SessionRow; token: string | null };

const StartSessionPayload = builder.objectRef<StartedOrFound>('StartSessionPayload').implement({
  access: 'parent',
  description: 'The new anonymous session, or the live session of the caller.',
  fields: (t) => ({
    session: t.expose('session', { type: Session, description: 'The session of the caller.' }),
    token: t.exposeString('token', {
      nullable: true,
      description:
        'The token of a new bearer session. The server shows it only once. Null for a cookie session, and for an ' +
        'existing one.',
    }),
    antiCSRFToken: t.string({
      nullable: true,
      description:
        'The anti-CSRF token. Send it in the `anti-csrf` header of every mutation. Null for a bearer session, which ' +
        'needs none.',
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
      'Starts an anonymous session, which keeps the data of a visitor until login. A caller with a live session ' +
      'keeps that one. The server never starts a session unasked. An unused session expires within hours. ' +
      'RATE_LIMITED if an address starts too many.',
    args: { transport: t.arg(transportArgument) },
    resolve: async (_root, { transport }, { caller, database, config }) => {
      const { session } = caller.scope;
      if (session) return { session, token: null };
      requireTransport(caller, transport);
      const started = await startAnonymousSession(database, caller.scope, { transport }, config);
      caller.signIn(started);
      return { session: started.session, token: transport === 'BEARER' ? started.token : null };
    },
  }),
);
