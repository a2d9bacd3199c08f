import { disabledWebhooks, endAll, givenUpMails, prunedRows, sentMails, webhookAttempts } from '../../diagnostics.ts';
import { addCounter, type Registers } from './series.ts';

/** Counts what the background work of this process does. Returns a function that ends this. */
export function countBackground(registers: Registers): () => void {
  const mails = addCounter(registers, {
    name: 'mail_attempts_total',
    help: 'Attempts of this server to send a mail, by result.',
    labels: ['result'],
  });
  // A counter that appears with its first increment has no increase until the second.
  for (const result of ['sent', 'failed']) mails.inc({ result }, 0);
  const givenUp = addCounter(registers, {
    name: 'mails_given_up_total',
    help: 'Mails that this server will never try again.',
  });
  const pruned = addCounter(registers, {
    name: 'pruned_rows_total',
    help: 'Rows that this server deleted after their retention, by table.',
    labels: ['table'],
  });
  const attempts = addCounter(registers, {
    name: 'webhook_attempts_total',
    help: 'Attempts of this server to deliver an event to a webhook, by result. After a dead one there is no other.',
    labels: ['result'],
  });
  for (const result of ['delivered', 'failed', 'dead']) attempts.inc({ result }, 0);
  const disabled = addCounter(registers, {
    name: 'webhooks_disabled_total',
    help: 'Webhooks that this server disabled because of their receivers.',
    labels: ['reason'],
  });
  for (const reason of ['GONE', 'FAILING']) disabled.inc({ reason }, 0);
  return endAll([
    sentMails.subscribe(({ result }) => mails.inc({ result })),
    givenUpMails.subscribe(() => givenUp.inc()),
    webhookAttempts.subscribe(({ result }) => attempts.inc({ result })),
    disabledWebhooks.subscribe(({ reason }) => disabled.inc({ reason })),
    prunedRows.subscribe(({ table, count }) => pruned.inc({ table }, count)),
  ]);
}
