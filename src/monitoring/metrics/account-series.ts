import { Histogram } from '@prometheus-io/client';
import {
  endAll,
  endedSessions,
  hashingTimes,
  hashingWaits,
  reachedLimits,
  recordedEvents,
  refusedHashes,
  renewedSessions,
  startedSessions,
  untrustedOperations,
} from '../../diagnostics.ts';
import { auditEventTypes } from '../../events/record.ts';
import { waitingForHashing } from '../../passwords/hashing-queue.ts';
import { addCounter, addGauge, fullName, type Registers } from './series.ts';

/**
 * Counts sessions, events, refusals by a limit, untrusted operations and waits for hashing in this process. Returns a
 * function that ends this.
 */
export function countAccounts(registers: Registers): () => void {
  const started = addCounter(registers, {
    name: 'sessions_started_total',
    help: 'Sessions that this server started, of users and of visitors.',
    labels: ['of'],
  });
  const ended = addCounter(registers, {
    name: 'sessions_ended_total',
    help: 'Sessions that this server ended, by reason.',
    labels: ['reason'],
  });
  const renewed = addCounter(registers, {
    name: 'sessions_renewed_total',
    help: 'Uses of sessions that this server wrote: at most one per tenth of the idle timeout.',
  });
  const events = addCounter(registers, {
    name: 'events_total',
    help: 'Events of accounts that this server recorded, by type: LOGGED_IN, LOGIN_FAILED, LOGIN_REFUSED and others.',
    labels: ['type'],
  });
  // A counter that appears with its first increment has no increase until the second.
  for (const type of Object.keys(auditEventTypes)) events.inc({ type }, 0);
  const limits = addCounter(registers, {
    name: 'limits_reached_total',
    help: 'Attempts, requests and mails that a rate limit refused, by the limit.',
    labels: ['limit'],
  });
  const untrusted = addCounter(registers, {
    name: 'untrusted_operations_total',
    help: 'Operations that were executed although their document is not trusted (TRUSTED_DOCUMENTS_MODE=report).',
  });
  const shed = addCounter(registers, {
    name: 'hashing_refused_total',
    help: 'Requests that were refused because too many passwords wait to be hashed.',
  });
  const waits = new Histogram({
    name: fullName('hashing_wait_seconds'),
    help: 'The time for which passwords waited for their turn to be hashed.',
    buckets: [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const hashes = new Histogram({
    name: fullName('hashing_seconds'),
    help: 'The time of a password hash in a thread: new ones (hash), and checks of a password (check).',
    labelNames: ['task'] as const,
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const queue = { name: 'hashing_queue', help: 'Passwords that wait for their turn to be hashed.' };
  addGauge(registers, queue, waitingForHashing);
  return endAll([
    startedSessions.subscribe(({ hasUser }) => started.inc({ of: hasUser ? 'user' : 'visitor' })),
    endedSessions.subscribe(({ reason, count }) => ended.inc({ reason }, count)),
    recordedEvents.subscribe(({ types }) => {
      for (const type of types) events.inc({ type });
    }),
    renewedSessions.subscribe(() => renewed.inc()),
    reachedLimits.subscribe(({ limit }) => limits.inc({ limit })),
    untrustedOperations.subscribe(() => untrusted.inc()),
    refusedHashes.subscribe(() => shed.inc()),
    hashingWaits.subscribe(({ waitedMs }) => waits.observe(waitedMs / 1_000)),
    hashingTimes.subscribe(({ task, ms }) => hashes.observe({ task }, ms / 1_000)),
  ]);
}
