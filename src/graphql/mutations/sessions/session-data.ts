import { SessionNotFoundError, ValidationError } from '../../../errors.ts';
import { mergeData } from '../../../sessions/data.ts';
import { startAnonymousSession } from '../../../sessions/start.ts';
import { builder } from '../../builder.ts';
import { parseNodeId } from '../../node-id.ts';
import { sessionStart } from '../../plugins/limits.ts';
import { Session } from '../../types/sessions/session.ts';
import { requireTransport, transportArgument } from '../sign-in.ts';
import type { StartedOrFound } from './start-session.ts';

const SessionDataPayload = builder.objectRef<StartedOrFound>('SessionDataPayload').implement({
  access: 'parent',
  description: 'The session after a change of its data.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'session' in value,
  fields: (t) => ({
    session: t.expose('session', { type: Session, description: 'The session with the new data.' }),
    token: t.exposeString('token', {
      nullable: true,
      description:
        'The token of a bearer session that this mutation started. The server shows it only once. Null otherwise.',
    }),
  }),
});

const SessionDataResult = builder.errorUnion('SessionDataResult', {
  description: 'Result of `setPublicData` and `setPrivateData`.',
  types: [SessionDataPayload, ValidationError, SessionNotFoundError],
});

builder.mutationField('setPublicData', (t) =>
  t.field({
    access: 'public',
    type: SessionDataResult,
    complexity: sessionStart,
    description:
      'Merges keys into the public data of the current session. A null value removes its key. All data together has ' +
      'at most 16 KB. Without a session, it starts an anonymous one. RATE_LIMITED if an address starts too many.',
    args: {
      data: t.arg({ type: 'JSON', required: true, description: 'A JSON object with the changed keys.' }),
      transport: t.arg({
        ...transportArgument,
        description: 'How the client sends the token of a session that this mutation starts.',
      }),
    },
    resolve: async (_root, { data, transport }, { caller, database, config }) => {
      const { scope } = caller;
      if (scope.session) {
        const session = await mergeData(database, scope, { id: scope.session.id, column: 'publicData', data });
        caller.update(session);
        return { session, token: null };
      }
      requireTransport(caller, transport);
      const started = await startAnonymousSession(database, scope, { transport, publicData: data }, config);
      caller.signIn(started);
      return { session: started.session, token: transport === 'BEARER' ? started.token : null };
    },
  }),
);

builder.mutationField('setPrivateData', (t) =>
  t.field({
    access: 'sessionData',
    type: SessionDataResult,
    description:
      'Merges keys into the private data of a live session. A null value removes its key. All data together has at ' +
      'most 16 KB. Records an audit event. Only for services with the scope `session-data`; FORBIDDEN for others.',
    args: {
      sessionId: t.arg.id({ required: true, description: 'The `id` of the session.' }),
      data: t.arg({ type: 'JSON', required: true, description: 'A JSON object with the changed keys.' }),
    },
    resolve: async (_root, { sessionId, data }, { caller, database }) => {
      const node = parseNodeId(sessionId, database);
      if (node?.type !== 'Session') throw new SessionNotFoundError();
      const { scope } = caller;
      const session = await mergeData(database, scope, { id: node.id, column: 'privateData', data });
      if (scope.session?.id === session.id) caller.update(session);
      return { session, token: null };
    },
  }),
);
