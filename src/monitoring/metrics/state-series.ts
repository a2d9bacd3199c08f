import { type Answer, type DatabaseState, maxCountedDeliveries, maxCountedMails } from './database-state.ts';
import { addGauge, addLabelledGauge, type Registers } from './series.ts';

type Single = { name: string; help: string; read: (state: DatabaseState) => number | null | undefined };

type Labelled = { name: string; help: string; label: string; read: (state: DatabaseState) => [string, number][] };

/** Series with one value. It is not a number while the database does not tell it. */
const singles: Single[] = [
  { name: 'mails_waiting', help: `Mails in the outbox, up to ${maxCountedMails}.`, read: ({ mails }) => mails },
  {
    name: 'oldest_mail_seconds',
    help: 'The age of the oldest mail in the outbox; 0 without mail.',
    read: ({ oldestMailMs }) => oldestMailMs / 1_000,
  },
  {
    name: 'overdue_mail_seconds',
    help: 'The time for which a mail has been due without an attempt to send it; 0 without one.',
    read: ({ overdueMailMs }) => overdueMailMs / 1_000,
  },
  {
    name: 'webhook_deliveries_waiting',
    help: `Deliveries to webhooks that wait, up to ${maxCountedDeliveries}.`,
    read: ({ deliveries }) => deliveries,
  },
  {
    name: 'oldest_webhook_delivery_seconds',
    help: 'The age of the oldest of these deliveries; 0 without one.',
    read: ({ oldestDeliveryMs }) => oldestDeliveryMs / 1_000,
  },
  {
    name: 'maintained_seconds',
    help: 'The time since the last complete maintenance began. Negative if the clock went back.',
    read: ({ maintainedMs }) => maintainedMs && maintainedMs / 1_000,
  },
  {
    name: 'events_lag_seconds',
    help: 'The time for which an open transaction has kept readers of the log of events waiting. 0 on SQLite.',
    read: ({ storage }) => storage && storage.oldestEventWriterMs / 1_000,
  },
];

/** Series with a value for each of a few names of this server. */
const labelled: Labelled[] = [
  {
    name: 'lease_held',
    help: 'Whether a server does this background work at the moment: 1 or 0.',
    label: 'name',
    read: ({ leases }) => [...leases].map(([name, leftMs]) => [name, Number(leftMs > 0)]),
  },
  {
    name: 'lease_expires_seconds',
    help: 'The time until this lease expires; negative after that. A lease that was given back has no value.',
    label: 'name',
    read: ({ leases }) => [...leases].map(([name, leftMs]) => [name, leftMs / 1_000]),
  },
  {
    name: 'ids_used_ratio',
    help: 'The share of the ids that a table has given out, from 0 to 1.',
    label: 'table',
    read: ({ usedIds }) => usedIds,
  },
  {
    name: 'storage_bytes',
    help: 'The size of the database, and of the write-ahead log of SQLite.',
    label: 'part',
    read: ({ storage }) => [
      ...(storage ? [['database', storage.databaseBytes] as [string, number]] : []),
      ...(storage?.logBytes != null ? [['log', storage.logBytes] as [string, number]] : []),
    ],
  },
];

/** Adds the series that are read from the database when they are scraped. */
export function addStateSeries(registers: Registers, readState: () => Promise<Answer>): void {
  const up = { name: 'database_up', help: 'Whether the database answers: 1 or 0.' };
  addGauge(registers, up, async () => Number((await readState()).state !== null));
  const answered = { name: 'database_answer_seconds', help: 'The time of the last small query.' };
  addGauge(registers, answered, async () => (await readState()).answeredMs / 1_000);
  for (const { read, ...series } of singles) {
    addGauge(registers, series, async () => {
      const { state } = await readState();
      return (state && read(state)) ?? Number.NaN;
    });
  }
  for (const { read, ...series } of labelled) {
    addLabelledGauge(registers, series, async () => {
      const { state } = await readState();
      return state ? read(state) : [];
    });
  }
}
