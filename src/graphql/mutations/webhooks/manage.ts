import {
  EncryptionKeysMissingError,
  ReauthenticationRequiredError,
  ValidationError,
  WebhookDeliveryNotFoundError,
  WebhookNotFoundError,
} from '../../../errors.ts';
import { disableWebhook, enableWebhook } from '../../../webhooks/disable.ts';
import {
  createWebhook,
  defaultOverlapHours,
  deleteWebhook,
  type IssuedWebhookSecret,
  rotateWebhookSecret,
  testWebhook,
  updateWebhook,
} from '../../../webhooks/manage.ts';
import type { Webhook as WebhookRow } from '../../../webhooks/webhook.ts';
import { builder } from '../../builder.ts';
import type { Context } from '../../context.ts';
import { parseNodeId } from '../../node-id.ts';
import { AuditEventTypeEnum } from '../../types/audit-event.ts';
import { Webhook, WebhookFormatEnum } from '../../types/webhooks/webhook.ts';

const WebhookSecretPayload = builder.objectRef<IssuedWebhookSecret>('WebhookSecretPayload').implement({
  access: 'parent',
  description: 'A webhook with a new secret.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'secret' in value,
  fields: (t) => ({
    webhook: t.expose('webhook', { type: Webhook, description: 'The webhook.' }),
    secret: t.exposeString('secret', {
      description: 'The secret by which the receiver verifies messages, `whsec_…`. The server shows it only once.',
    }),
  }),
});

const WebhookPayload = builder.objectRef<{ webhook: WebhookRow }>('WebhookPayload').implement({
  access: 'parent',
  description: 'The webhook after a change.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'webhook' in value && !('secret' in value),
  fields: (t) => ({
    webhook: t.expose('webhook', { type: Webhook, description: 'The webhook after the change.' }),
  }),
});

const WebhookResult = builder.errorUnion('WebhookResult', {
  description: 'Result of `disableWebhook`, `enableWebhook` and `testWebhook`.',
  types: [WebhookPayload, WebhookNotFoundError, ReauthenticationRequiredError],
});

const DeleteWebhookPayload = builder.objectRef<{ deleted: WebhookRow }>('DeleteWebhookPayload').implement({
  access: 'parent',
  description: 'The webhook was deleted.',
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'deleted' in value,
  fields: (t) => ({
    deletedWebhookId: t.globalID({
      description: 'The ID of the deleted webhook.',
      resolve: ({ deleted }) => ({ type: 'Webhook', id: String(deleted.id) }),
    }),
  }),
});

const idArgument = { required: true, description: 'The `id` of the webhook.' } as const;
export const forAdministrators = 'Only for administrators who proved the identity recently: see `reauthenticate`.';

/** Returns the row ID of a webhook. @throws WebhookNotFoundError for an ID that no webhook can have. */
export function webhookIdOf(id: string, { database }: Context): bigint {
  const node = parseNodeId(id, database);
  if (node?.type !== 'Webhook') throw new WebhookNotFoundError();
  return node.id;
}

/** Returns the row ID of a delivery. @throws WebhookDeliveryNotFoundError for an ID that no delivery can have. */
export function deliveryIdOf(id: string, { database }: Context): bigint {
  const node = parseNodeId(id, database);
  if (node?.type !== 'WebhookDelivery') throw new WebhookDeliveryNotFoundError();
  return node.id;
}

const typesDescription = 'The types of events to receive. All, also those of later versions, if this is null';

builder.mutationField('createWebhook', (t) =>
  t.field({
    access: 'recentAdmin',
    type: WebhookSecretPayload,
    errors: { types: [ValidationError, EncryptionKeysMissingError, ReauthenticationRequiredError] },
    description: `Creates a webhook, which receives the events from now on. ${forAdministrators}`,
    args: {
      url: t.arg.string({ required: true, description: 'A URL with https and a public address.' }),
      description: t.arg.string({ description: 'A text for administrators, of at most 200 characters.' }),
      eventTypes: t.arg({ type: [AuditEventTypeEnum], description: `${typesDescription} or missing.` }),
      format: t.arg({ type: WebhookFormatEnum, defaultValue: 'STANDARD', description: 'The format of its messages.' }),
    },
    resolve: (_root, input, { caller, config, database }) => createWebhook(database, caller.scope, input, config),
  }),
);

builder.mutationField('updateWebhook', (t) =>
  t.field({
    access: 'recentAdmin',
    type: WebhookPayload,
    errors: { types: [ValidationError, WebhookNotFoundError, ReauthenticationRequiredError] },
    description:
      'Changes a webhook. Arguments that are missing leave their values. Waiting messages go to the new URL. ' +
      forAdministrators,
    args: {
      id: t.arg.id(idArgument),
      url: t.arg.string({ description: 'Another URL.' }),
      description: t.arg.string({ description: 'Another text for administrators. Null removes it.' }),
      eventTypes: t.arg({ type: [AuditEventTypeEnum], description: `${typesDescription}.` }),
    },
    resolve: async (_root, { id, url, ...change }, context) => {
      const input = { ...change, id: webhookIdOf(id, context), url: url ?? undefined };
      return { webhook: await updateWebhook(context.database, context.caller.scope, input, context.config) };
    },
  }),
);

builder.mutationField('rotateWebhookSecret', (t) =>
  t.field({
    access: 'recentAdmin',
    type: WebhookSecretPayload,
    errors: {
      types: [ValidationError, WebhookNotFoundError, EncryptionKeysMissingError, ReauthenticationRequiredError],
    },
    description: `Gives a webhook another secret. For some hours, messages have a signature of each. ${forAdministrators}`,
    args: {
      id: t.arg.id(idArgument),
      overlapHours: t.arg.int({
        defaultValue: defaultOverlapHours,
        description: 'For how many hours the previous secret signs too: 0 to 720. 0 if it has leaked.',
      }),
    },
    resolve: (_root, { id, overlapHours }, context) => {
      const input = { id: webhookIdOf(id, context), overlapHours };
      return rotateWebhookSecret(context.database, context.caller.scope, input, context.config);
    },
  }),
);

builder.mutationField('disableWebhook', (t) =>
  t.field({
    access: 'recentAdmin',
    type: WebhookResult,
    description: `Stops the messages to a webhook until it is enabled again. Its events wait. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => ({
      webhook: await disableWebhook(context.database, context.caller.scope, webhookIdOf(id, context)),
    }),
  }),
);

builder.mutationField('enableWebhook', (t) =>
  t.field({
    access: 'recentAdmin',
    type: WebhookResult,
    description: `Enables a disabled webhook. It receives the events since it was disabled. ${forAdministrators}`,
    args: {
      id: t.arg.id(idArgument),
      skipMissed: t.arg.boolean({
        defaultValue: false,
        description: 'Leaves out the events until now. Those that waited are then DEAD.',
      }),
    },
    resolve: async (_root, { id, skipMissed }, context) => {
      const input = { id: webhookIdOf(id, context), skipMissed };
      return { webhook: await enableWebhook(context.database, context.caller.scope, input) };
    },
  }),
);

builder.mutationField('testWebhook', (t) =>
  t.field({
    access: 'recentAdmin',
    type: WebhookResult,
    description: `Sends the event WEBHOOK_TESTED to a webhook, also if that is none of its types. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => ({
      webhook: await testWebhook(context.database, context.caller.scope, webhookIdOf(id, context)),
    }),
  }),
);

builder.mutationField('deleteWebhook', (t) =>
  t.field({
    access: 'recentAdmin',
    type: DeleteWebhookPayload,
    errors: { types: [WebhookNotFoundError, ReauthenticationRequiredError] },
    description: `Deletes a webhook with its secret and its deliveries, permanently. ${forAdministrators}`,
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, context) => ({
      deleted: await deleteWebhook(context.database, context.caller.scope, webhookIdOf(id, context)),
    }),
  }),
);
