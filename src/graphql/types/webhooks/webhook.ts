import {
  type DisabledReason,
  disabledReasons,
  eventTypesOf,
  type WebhookFormatName,
  webhookFormats,
} from '../../../webhooks/webhook.ts';
import { builder } from '../../builder.ts';
import { toNodeId } from '../../node-id.ts';
import { newestFirst } from '../../pages.ts';
import { pageComplexity } from '../../plugins/limits.ts';
import { AuditEventTypeEnum } from '../audit-event.ts';

const DisabledReasonEnum = builder.enumType('WebhookDisabledReason', {
  description: 'Why a webhook is disabled. More may be added.',
  values: Object.fromEntries(
    Object.entries(disabledReasons).map(([value, description]) => [value, { value, description }]),
  ) as Record<DisabledReason, { value: DisabledReason; description: string }>,
});

export const WebhookFormatEnum = builder.enumType('WebhookFormat', {
  description: 'The format of the messages to a webhook. More may be added.',
  values: Object.fromEntries(
    Object.entries(webhookFormats).map(([value, description]) => [value, { value, description }]),
  ) as Record<WebhookFormatName, { value: WebhookFormatName; description: string }>,
});

export const Webhook = builder.prismaObject('Webhook', {
  access: 'parent',
  description: 'A URL to which the server posts events, signed. Visible to administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('Webhook', id),
    }),
    url: t.exposeString('url', { description: 'The URL of the receiver.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'A text of the administrators for themselves. Null without one.',
    }),
    eventTypes: t.field({
      type: [AuditEventTypeEnum],
      nullable: true,
      description: 'The types of events that it receives. Null for all, also those of later versions.',
      resolve: eventTypesOf,
    }),
    format: t.field({
      type: WebhookFormatEnum,
      description: 'The format of its messages.',
      // Only the functions of webhooks/ write the column.
      resolve: ({ format }) => format as WebhookFormatName,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When the webhook was created.' }),
    previousSecretUntil: t.expose('previousSecretUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when messages are signed with the secret before the last rotation too. Null if they are not.',
    }),
    failingSince: t.expose('failingSince', {
      type: 'DateTime',
      nullable: true,
      description: 'When the first attempt failed after the last delivery. Null if the last attempt succeeded.',
    }),
    disabledAt: t.expose('disabledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the webhook was disabled: it receives nothing since then. Null if it is not disabled.',
    }),
    disabledReason: t.field({
      type: DisabledReasonEnum,
      nullable: true,
      description: 'Why the webhook is disabled. Null if it is not.',
      // Only the functions of webhooks/ write the column.
      resolve: ({ disabledReason }) => disabledReason as DisabledReason | null,
    }),
  }),
});

const WebhookConnection = builder.connectionObject(
  { type: Webhook, name: 'WebhookConnection', description: 'A page of webhooks.' },
  { description: 'A webhook on a page.' },
);

builder.queryField('webhooks', (t) =>
  t.prismaConnection(
    {
      type: Webhook,
      cursor: 'id',
      nullable: true,
      semanticNonNull: true,
      description: 'All webhooks, newest first. Only for administrators.',
      complexity: pageComplexity,
      access: 'admin',
      resolve: (query, _root, args, { database }) => database.webhook.findMany(newestFirst(query, args, database, {})),
      totalCount: (_root, _args, { database }) => database.webhook.count(),
    },
    WebhookConnection,
  ),
);
