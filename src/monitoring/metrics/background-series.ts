import { endAll, givenUpMails, prunedRows, sentMails } from '../../diagnostics.ts';
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
  return endAll([
    sentMails.subscribe(({ result }) => mails.inc({ result })),
    givenUpMails.subscribe(() => givenUp.inc()),
    prunedRows.subscribe(({ table, count }) => pruned.inc({ table }, count)),
  ]);
}
