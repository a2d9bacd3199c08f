import { ReauthenticationRequiredError, WebhookDeliveryNotFoundError, WebhookNotFoundError } from '../../../errors.ts';
import type { WebhookDelivery as WebhookDeliveryRow } from '../../../generated/sqlite/client.ts';
import { maxReplayed, replayDead, replayDelivery } from '../../../webhooks/replay.ts';
import { builder } from '../../builder.ts';
import { WebhookDelivery } from '../../types/webhooks/delivery.ts';
import { deliveryIdOf, forAdministrators, webhookIdOf } from './manage.ts';

const ReplayWebhookDeliveryPayload = builder
  .objectRef<{ delivery: WebhookDeliveryRow }>('ReplayWebhookDeliveryPayload')
  .implement({
    access: 'parent',
    description: 'The delivery that is sent again.',
    isTypeOf: (value) => typeof value === 'object' && value !== null && 'delivery' in value,
    fields: (t) => ({
      delivery: t.expose('delivery', { type: WebhookDelivery, description: 'The delivery, which waits again.' }),
    }),
  });

const ReplayWebhookDeliveriesPayload = builder
  .objectRef<{ replayedCount: number }>('ReplayWebhookDeliveriesPayload')
  .implement({
    access: 'parent',
    description: 'The result of sending dead deliveries again.',
    isTypeOf: (value) => typeof value === 'object' && value !== null && 'replayedCount' in value,
    fields: (t) => ({
      replayedCount: t.exposeInt('replayedCount', { description: 'The number of deliveries that wait again.' }),
    }),
  });

builder.mutationField('replayWebhookDelivery', (t) =>
  t.field({
    access: 'recentAdmin',
    type: ReplayWebhookDeliveryPayload,
    errors: { types: [WebhookDeliveryNotFoundError, ReauthenticationRequiredError] },
    description: `Sends a delivery again, with the same message id, also one that was delivered. ${forAdministrators}`,
    args: { id: t.arg.id({ required: true, description: 'The `id` of the delivery.' }) },
    resolve: async (_root, { id }, context) => ({
      delivery: await replayDelivery(context.database, context.caller.scope, { id: deliveryIdOf(id, context) }),
    }),
  }),
);

builder.mutationField('replayWebhookDeliveries', (t) =>
  t.field({
    access: 'recentAdmin',
    type: ReplayWebhookDeliveriesPayload,
    errors: { types: [WebhookNotFoundError, ReauthenticationRequiredError] },
    description:
      'Sends the dead deliveries of a webhook again that were given up since a time, at most ' +
      `${maxReplayed.toLocaleString('en')} at once: call it again until it answers with a lower number. ${forAdministrators}`,
    args: {
      webhookId: t.arg.id({ required: true, description: 'The `id` of the webhook.' }),
      since: t.arg({ type: 'DateTime', required: true, description: 'The earliest time at which they were given up.' }),
    },
    resolve: async (_root, { webhookId, since }, context) => {
      const input = { webhookId: webhookIdOf(webhookId, context), since };
      return { replayedCount: await replayDead(context.database, context.caller.scope, input) };
    },
  }),
);
