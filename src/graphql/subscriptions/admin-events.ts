import { type Message, maxEventsPerMessage } from '../../streams/messages.ts';
import { builder } from '../builder.ts';
import { parseUserId } from '../node-id.ts';
import { AuditEvent, AuditEventTypeEnum } from '../types/audit-event.ts';
import { toEventCursor } from './cursor.ts';
import { afterDescription, cursorDescription, openStream } from './open.ts';

type AdminMessage = Extract<Message, { kind: 'start' | 'events' }>;

const AdminEvents = builder.objectRef<AdminMessage>('AdminEvents').implement({
  access: 'parent',
  description: 'A message of `adminEvents`. The first one has no events, each later one at least one.',
  fields: (t) => ({
    cursor: t.string({ description: cursorDescription, resolve: ({ cursor }) => toEventCursor(cursor) }),
    events: t.field({
      type: [AuditEvent],
      description: 'New events, at most a hundred. Concurrent events may come in any order.',
      complexity: { field: 1, multiplier: maxEventsPerMessage },
      resolve: (message) => (message.kind === 'events' ? [...message.events] : []),
    }),
  }),
});

builder.subscriptionField('adminEvents', (t) =>
  t.field({
    access: 'events',
    type: AdminEvents,
    description:
      'Tells the events of all accounts live. Only for administrators, and for services with the scope `events`; ' +
      'FORBIDDEN for others. The stream completes when the session that reads it ends.',
    args: {
      after: t.arg.string({ description: afterDescription }),
      types: t.arg({
        type: [AuditEventTypeEnum],
        description: 'Tells only events of these kinds. Null, or no value, for all.',
      }),
      userId: t.arg.id({
        description:
          'Tells only events of this user, even after the user is deleted. BAD_USER_INPUT for the ID of anything else.',
      }),
    },
    subscribe: (_root, { after, types, userId }, context) =>
      openStream(context, after, {
        userId: userId == null ? null : parseUserId(userId, context.database),
        types: types == null ? null : new Set(types),
      }),
    // The subscription plugin executes each message as the root value.
    resolve: (message) => message as unknown as AdminMessage,
  }),
);
