/** The panels of the dashboard, row by row. */
import { chosen, of, type Query, quantiles, rate, rateBy, shared } from './queries.ts';

export type Panel = {
  title: string;
  /** A unit of Grafana, such as `s` or `reqps`. */
  unit: string;
  queries: Query[];
  description?: string;
};

export type Row = { title: string; panels: Panel[] };

export const rows: Row[] = [
  {
    title: 'Requests',
    panels: [
      {
        title: 'Requests by route',
        unit: 'reqps',
        queries: [[rateBy('route', 'request_duration_seconds_count'), '{{route}}']],
      },
      { title: 'Time until the answer', unit: 's', queries: quantiles('request_duration_seconds') },
      {
        title: 'Refused and failed, by code',
        unit: 'reqps',
        queries: [[rateBy('code', 'refusals_total'), '{{code}}']],
      },
      {
        title: 'Failed because of the server',
        unit: 'percentunit',
        queries: [
          [
            `${rate('refusals_total', 'code=~"SERVICE_UNAVAILABLE|SERVER_OVERLOADED|INTERNAL_SERVER_ERROR"')} / ` +
              rate('request_duration_seconds_count'),
            'share',
          ],
        ],
      },
    ],
  },
  {
    title: 'Sign-ins',
    panels: [
      {
        title: 'Logins',
        unit: 'ops',
        queries: [
          [rateBy('type', 'events_total', 'type=~"LOGGED_IN|LOGIN_FAILED|LOGIN_REFUSED|SIGNED_UP"'), '{{type}}'],
        ],
      },
      { title: 'Reached limits', unit: 'ops', queries: [[rateBy('limit', 'limits_reached_total'), '{{limit}}']] },
      {
        title: 'Other events of accounts',
        unit: 'ops',
        queries: [
          [rateBy('type', 'events_total', 'type!~"LOGGED_IN|LOGIN_FAILED|LOGIN_REFUSED|SIGNED_UP"'), '{{type}}'],
        ],
      },
    ],
  },
  {
    title: 'Sessions',
    panels: [
      { title: 'Live sessions (up to 100,000)', unit: 'short', queries: [[shared('sessions_live'), 'live']] },
      {
        title: 'Started and renewed',
        unit: 'ops',
        queries: [
          [rateBy('of', 'sessions_started_total'), 'started: {{of}}'],
          [rate('sessions_renewed_total'), 'renewed'],
        ],
      },
      { title: 'Ended, by reason', unit: 'ops', queries: [[rateBy('reason', 'sessions_ended_total'), '{{reason}}']] },
    ],
  },
  {
    title: 'Passwords',
    panels: [
      { title: 'Waiting to be hashed', unit: 'short', queries: [[of('hashing_queue'), '{{instance}}']] },
      { title: 'Time of the wait', unit: 's', queries: quantiles('hashing_wait_seconds') },
      { title: 'Time of a hash', unit: 's', queries: quantiles('hashing_seconds') },
      { title: 'Refused because too many wait', unit: 'ops', queries: [[rate('hashing_refused_total'), 'refused']] },
    ],
  },
  {
    title: 'Database',
    panels: [
      { title: 'Answers', unit: 'short', queries: [[of('database_up'), '{{instance}}']] },
      { title: 'Time of a small query', unit: 's', queries: [[of('database_answer_seconds'), '{{instance}}']] },
      {
        title: 'Statements',
        unit: 'ops',
        queries: [[rateBy('kind, result', 'database_seconds_count'), '{{kind}} {{result}}']],
      },
      { title: 'Time of a statement', unit: 's', queries: quantiles('database_seconds') },
      {
        title: 'Connections to PostgreSQL',
        unit: 'short',
        queries: [[`sum by (state) (${of('database_connections')})`, '{{state}}']],
      },
      {
        title: 'Size',
        unit: 'bytes',
        queries: [[`max by (part) (${of('storage_bytes')})`, '{{part}}']],
      },
      { title: 'Used ids', unit: 'percentunit', queries: [[`max by (table) (${of('ids_used_ratio')})`, '{{table}}']] },
      {
        title: 'Clocks and open transactions',
        unit: 's',
        queries: [
          [of('clock_skew_seconds'), 'clock: {{instance}}'],
          [shared('events_lag_seconds'), 'event log behind'],
        ],
      },
    ],
  },
  {
    title: 'Mail and background work',
    panels: [
      { title: 'Mails waiting (up to 10,000)', unit: 'short', queries: [[shared('mails_waiting'), 'waiting']] },
      {
        title: 'Oldest mail',
        unit: 's',
        queries: [
          [shared('oldest_mail_seconds'), 'oldest'],
          [shared('overdue_mail_seconds'), 'due without an attempt'],
        ],
      },
      {
        title: 'Attempts to send',
        unit: 'ops',
        queries: [
          [rateBy('result', 'mail_attempts_total'), '{{result}}'],
          [rate('mails_given_up_total'), 'given up'],
        ],
      },
      {
        title: 'Deliveries to webhooks',
        unit: 'ops',
        queries: [
          [rateBy('result', 'webhook_attempts_total'), '{{result}}'],
          [rateBy('reason', 'webhooks_disabled_total'), 'disabled: {{reason}}'],
        ],
      },
      {
        title: 'Webhook deliveries waiting (up to 10,000)',
        unit: 'short',
        queries: [[shared('webhook_deliveries_waiting'), 'waiting']],
      },
      {
        title: 'Oldest webhook delivery',
        unit: 's',
        queries: [[shared('oldest_webhook_delivery_seconds'), 'age']],
      },
      {
        title: 'Since the last maintenance',
        unit: 's',
        queries: [[shared('maintained_seconds'), 'age']],
      },
      {
        title: 'Leases',
        unit: 's',
        description: 'The time until a lease expires. Negative: its holder died or hangs.',
        queries: [[`max by (name) (${of('lease_expires_seconds')})`, '{{name}}']],
      },
      { title: 'Pruned rows', unit: 'ops', queries: [[rateBy('table', 'pruned_rows_total'), '{{table}}']] },
    ],
  },
  {
    title: 'Process',
    panels: [
      {
        title: 'Processor',
        unit: 'percentunit',
        queries: [[`rate(process_cpu_seconds_total{${chosen}}[$__rate_interval])`, '{{instance}}']],
      },
      {
        title: 'Memory',
        unit: 'bytes',
        queries: [
          [`process_resident_memory_bytes{${chosen}}`, 'resident: {{instance}}'],
          [`nodejs_heap_size_used_bytes{${chosen}}`, 'heap: {{instance}}'],
        ],
      },
      {
        title: 'Lag of the event loop (p99)',
        unit: 's',
        queries: [[`nodejs_eventloop_lag_p99_seconds{${chosen}}`, '{{instance}}']],
      },
      { title: 'Open files', unit: 'short', queries: [[`process_open_fds{${chosen}}`, '{{instance}}']] },
      {
        title: 'Versions',
        unit: 'short',
        queries: [[`count by (version, node) (${of('build_info')})`, '{{version}} on Node {{node}}']],
      },
    ],
  },
];
