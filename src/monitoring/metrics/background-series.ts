import { Counter, type PrometheusContentType, type Registry } from '@prometheus-io/client';
import { givenUpMails, prunedRows, sentMails } from '../../diagnostics.ts';

/** Counts what the background work of this process does. Returns a function that ends this. */
export function countBackground(registers: Registry<PrometheusContentType>[]): () => void {
  const mails = new Counter({
    name: 'graphql_sessions_mail_attempts_total',
    help: 'Attempts of this server to send a mail, by result.',
    labelNames: ['result'] as const,
    registers,
  });
  // A counter that appears with its first increment has no increase until the second.
  for (const result of ['sent', 'failed']) mails.inc({ result }, 0);
  const givenUp = new Counter({
    name: 'graphql_sessions_mails_given_up_total',
    help: 'Mails that this server will never try again.',
    registers,
  });
  const pruned = new Counter({
    name: 'graphql_sessions_pruned_rows_total',
    help: 'Rows that this server deleted after their retention, by table.',
    labelNames: ['table'] as const,
    registers,
  });
  const endings = [
    sentMails.subscribe(({ result }) => mails.inc({ result })),
    givenUpMails.subscribe(() => givenUp.inc()),
    prunedRows.subscribe(({ table, count }) => pruned.inc({ table }, count)),
  ];
  return () => {
    for (const end of endings) end();
  };
}
