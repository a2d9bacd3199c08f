/** One attempt to deliver an event to a webhook. */
import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { isUnavailable } from '../../database/failures.ts';
import { disabledWebhooks, webhookAttempts } from '../../diagnostics.ts';
import { OperatorNotice } from '../../errors.ts';
import type { Webhook, WebhookDelivery } from '../../generated/sqlite/client.ts';
import type { SigningKeys } from '../../signing-keys/signing-keys.ts';
import { disableForReceiver } from '../disable.ts';
import { formatOf, type SignedMessage } from '../formats.ts';
import type { Outcome, Sender } from '../http/send.ts';
import type { WebhookPolicies } from '../manage.ts';
import { signingSecretsOf } from '../secrets.ts';
import { nameOf } from '../webhook.ts';
import { hurry, noteDelivered, noteFailed } from './queue.ts';
import type { Receivers } from './receivers.ts';
import { disableAfterMs } from './retries.ts';

export type AttemptOptions = {
  database: Database;
  policies: WebhookPolicies & Pick<Config, 'adminRoles' | 'publicUrl'>;
  /** The keys that sign security event tokens. Null without encryption keys. */
  signingKeys: SigningKeys | null;
  receivers: Receivers;
  sender: Sender;
  report: (error: unknown) => void;
  now: () => Date;
};

/** Makes the message of a delivery. */
export type Sign = (delivery: WebhookDelivery) => Promise<SignedMessage>;

const notSigned: Outcome = { status: null, retryAfterMs: null, error: 'NOT_SIGNED' };

/** RFC 9110 section 15.5.11: the resource is gone, probably for ever. Standard Webhooks: stop sending. */
const gone = 410;

/**
 * Returns the function that makes the messages of a webhook. Null if this version does not know its format.
 *
 * @throws OperatorError if its secret cannot be decrypted.
 */
export function signerOf(webhook: Webhook, { policies, signingKeys, now }: AttemptOptions): Sign | null {
  const format = formatOf(webhook);
  if (!format || policies.encryptionKeys === null) return null;
  const secrets = signingSecretsOf(policies.encryptionKeys, webhook, now());
  return async (delivery) => format.sign(delivery, { webhook, secrets, signingKeys, now: now() });
}

/**
 * Sends a claimed delivery, and notes the result.
 *
 * @param inFlight - returns the ids of all deliveries that are being sent
 * @throws only if the database does not answer
 */
export async function attempt(
  webhook: Webhook,
  delivery: WebhookDelivery,
  sign: Sign,
  options: AttemptOptions & { inFlight: () => bigint[] },
): Promise<void> {
  const { database, receivers, sender, report, now, inFlight } = options;
  const began = performance.now();
  const message = await sign(delivery).catch((error: unknown) => {
    if (isUnavailable(error)) throw error;
    // One webhook that cannot be signed for must not stop the others.
    report(error);
    return null;
  });
  const outcome = message === null ? notSigned : await sender.post(webhook.url, message, now());
  const { status } = outcome;
  const isDelivered = status !== null && status >= 200 && status < 300;
  const ms = performance.now() - began;
  if (!isDelivered) {
    const isDead = await fail(webhook, delivery, outcome, options);
    webhookAttempts.publish({ result: isDead ? 'dead' : 'failed', ms });
    return;
  }
  webhookAttempts.publish({ result: 'delivered', ms });
  await noteDelivered(database, delivery, status, now());
  const { hadFailed, wasDown } = receivers.noteSuccess(webhook.id);
  if (wasDown) report(new OperatorNotice('info', `${nameOf(webhook)} answers again.`));
  if (hadFailed) await hurry(database, webhook.id, { inFlight: inFlight(), wasDown }, now());
}

/** Notes a failed attempt, and disables the webhook if that is due. Returns whether the delivery is dead. */
async function fail(
  webhook: Webhook,
  delivery: WebhookDelivery,
  outcome: Outcome,
  { database, policies, receivers, report, now }: AttemptOptions,
): Promise<boolean> {
  const reason = outcome.error ?? `status ${outcome.status}`;
  const isDead = await noteFailed(database, delivery, outcome, now());
  if (isDead) {
    const message = `Delivery ${delivery.id} to ${nameOf(webhook)} is dead after ${delivery.attempts + 1} attempts: ${reason}.`;
    report(new OperatorNotice('error', message));
  }
  if (receivers.noteFailure(webhook.id, now())) {
    report(
      new OperatorNotice('error', `${nameOf(webhook)} does not accept events: ${reason}. The server tries again.`),
    );
  }
  const { failingSince } = webhook;
  const isOver = failingSince !== null && now().getTime() - failingSince.getTime() >= disableAfterMs;
  if (outcome.status !== gone && !isOver) return isDead;
  const { adminRoles } = policies;
  const cause = outcome.status === gone ? 'GONE' : 'FAILING';
  if (!(await disableForReceiver(database, webhook, cause, { adminRoles, now: now() }))) return isDead;
  disabledWebhooks.publish({ reason: cause });
  report(new OperatorNotice('error', `${nameOf(webhook)} was disabled: ${reason}.`));
  return isDead;
}
