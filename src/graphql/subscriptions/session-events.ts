import { builder } from '../builder.ts';
import { subscriptionComplexity } from '../plugins/limits.ts';
import { afterDescription, openStream } from './open.ts';
import { SessionEvent, type SessionMessage } from './session-event.ts';

builder.subscriptionField('sessionEvents', (t) =>
  t.field({
    access: 'user',
    type: SessionEvent,
    complexity: subscriptionComplexity,
    description:
      'Tells the sessions of the signed-in user live: which start, change and end. The first message is the current ' +
      'state. The stream completes when the session that reads it ends. It does not keep that session alive. ' +
      'UNAUTHENTICATED without a user, TOO_MANY_STREAMS beyond five streams of a session.',
    args: { after: t.arg.string({ description: afterDescription }) },
    subscribe: (_root, { after }, context) => openStream(context, after, null),
    // The subscription plugin executes each message as the root value.
    resolve: (message) => message as unknown as SessionMessage,
  }),
);
