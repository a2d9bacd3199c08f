import type { Database } from '../../../database/database.ts';
import type { AuditEventType } from '../../../events/record.ts';
import { type DeliveryState, deliveryStates } from '../../../webhooks/webhook.ts';
import { builder } from '../../builder.ts';
import { parseNodeId, toNodeId } from '../../node-id.ts';
import { newestFirst } from '../../pages.ts';
import { pageComplexity } from '../../plugins/limits.ts';
import { AuditEventTypeEnum } from '../audit-event.ts';
import { Webhook } from './webhook.ts';

const DeliveryStateEnum = builder.enumType('WebhookDeliveryState', {
  description: 'The state of a delivery.',
  values: Object.fromEntries(
    Object.entries(deliveryStates).map(([value, description]) => [value, { value, description }]),
  ) as Record<DeliveryState, { value: DeliveryState; description: string }>,
});

export const WebhookDelivery = builder.prismaObject('WebhookDelivery', {
  access: 'parent',
  description:
    'The delivery of an event to a webhook. Of the answers of the receiver, only the status is kept. Visible to ' +
    'administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('WebhookDelivery', id),
    }),
    webhook: t.relation('webhook', { type: Webhook, description: 'The webhook.' }),
    messageId: t.exposeString('messageId', {
      description: 'The header `webhook-id`: the same for each attempt, and after a replay.',
    }),
    eventId: t.globalID({
      description: 'The ID of the event. The event may have been deleted after its retention.',
      resolve: ({ eventId }) => ({ type: 'AuditEvent', id: String(eventId) }),
    }),
    eventType: t.field({
      type: AuditEventTypeEnum,
      description: 'The type of the event.',
      // Only the log of events writes types.
      resolve: ({ eventType }) => eventType as AuditEventType,
    }),
    payload: t.exposeString('payload', { description: 'The body of the message.' }),
    state: t.field({
      type: DeliveryStateEnum,
      description: 'The state of the delivery.',
      // Only the functions of webhooks/ write the column.
      resolve: ({ state }) => state as DeliveryState,
    }),
    queuedAt: t.expose('queuedAt', {
      type: 'DateTime',
      description: 'When the delivery was made, or last replayed.',
    }),
    attempts: t.exposeInt('attempts', { description: 'The number of attempts since then.' }),
    nextAttemptAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'The earliest time of the next attempt. Null if there is none.',
      resolve: ({ state, sendAfter }) => (state === 'WAITING' ? sendAfter : null),
    }),
    lastAttemptAt: t.expose('lastAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the last attempt began. Null without one.',
    }),
    lastStatus: t.exposeInt('lastStatus', {
      nullable: true,
      description: 'The HTTP status of the last answer. Null if there was no answer.',
    }),
    lastError: t.exposeString('lastError', {
      nullable: true,
      description:
        'Why the last attempt failed, as a code such as ECONNREFUSED, TIMEOUT or HTTP_500. Null if it has not.',
    }),
    finishedAt: t.expose('finishedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the event was delivered, or given up. Null while it waits.',
    }),
  }),
});

const WebhookDeliveryConnection = builder.connectionObject(
  { type: WebhookDelivery, name: 'WebhookDeliveryConnection', description: 'A page of deliveries.' },
  { description: 'A delivery on a page.' },
);

builder.queryField('webhookDeliveries', (t) =>
  t.prismaConnection(
    {
      type: WebhookDelivery,
      cursor: 'id',
      nullable: true,
      semanticNonNull: true,
      description: 'The deliveries to a webhook, newest first. Only for administrators.',
      complexity: pageComplexity,
      access: 'admin',
      args: {
        webhookId: t.arg.id({ required: true, description: 'The `id` of the webhook.' }),
        state: t.arg({ type: DeliveryStateEnum, description: 'Returns only deliveries in this state.' }),
      },
      resolve: (query, _root, args, { database }) =>
        database.webhookDelivery.findMany(newestFirst(query, args, database, whereListed(args, database))),
      totalCount: (_root, args, { database }) => database.webhookDelivery.count({ where: whereListed(args, database) }),
    },
    WebhookDeliveryConnection,
  ),
);

type Filter = { webhookId: string; state?: DeliveryState | null | undefined };

function whereListed({ webhookId, state }: Filter, database: Database) {
  const node = parseNodeId(webhookId, database);
  // An ID of no webhook has no deliveries: ids begin with 1.
  return { webhookId: node?.type === 'Webhook' ? node.id : 0n, ...(state == null ? {} : { state }) };
}
