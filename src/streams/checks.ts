/** Reads the readers of open streams again: when their sessions expire, and at intervals. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Repeated, repeat } from '../background.ts';
import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import type { OpenStream, OpenStreams } from './open-streams.ts';
import { isService, type ReaderPolicies, type ReaderState, readState, stateOfSession } from './reader.ts';

/**
 * The interval at which all readers are read again. Events tell every end that this server and its command line cause;
 * this finds those that another program wrote.
 */
const checkMs = 60_000;

/** The minimum time between two checks of expired sessions, so that many that expire one by one cost little. */
const minPauseMs = 100;

/** The number of sessions that one statement reads. */
const sessionsAtOnce = 500;
const pauseMs = 5;

export type CheckParts = {
  database: Database;
  clock: Pick<Clock, 'now'>;
  config: ReaderPolicies;
  report(error: unknown): void;
  streams: OpenStreams;
  /** Does what the state of a reader requires. */
  apply(open: OpenStream, state: ReaderState): void;
};

export type Checks = {
  /** Reads these readers again. Failures are reported once for an outage. */
  check(streams: readonly OpenStream[]): Promise<void>;
  /** Makes sure that a check follows the expiry of this stream's session. */
  expect(open: OpenStream): void;
  stop(): Promise<void>;
};

export function startChecks({ database, clock, config, report, streams, apply }: CheckParts): Checks {
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let isStopped = false;
  let hasFailed = false;

  async function check(given: readonly OpenStream[]): Promise<void> {
    try {
      const [services, users] = [given.filter(isOfService), given.filter((open) => !isOfService(open))];
      for (const open of services) apply(open, await readState(database, open.reader, clock.now(), config));
      for (let from = 0; from < users.length && !isStopped; from += sessionsAtOnce) {
        if (from > 0) await sleep(pauseMs);
        await checkSessions(users.slice(from, from + sessionsAtOnce));
      }
      hasFailed = false;
    } catch (error) {
      if (!hasFailed && !isStopped) report(error);
      hasFailed = true;
    }
  }

  async function checkSessions(some: readonly OpenStream[]): Promise<void> {
    const ids = some.flatMap(({ reader }) => reader.opened.session?.id ?? []);
    const rows = await database.session.findMany({ where: { id: { in: ids } }, include: { user: true } });
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const open of some) {
      const row = byId.get(open.reader.opened.session?.id ?? 0n) ?? null;
      if (row !== null) open.expiresAt = row.expiresAt;
      apply(open, stateOfSession(open.reader, row, clock.now(), config));
    }
  }

  /** Sets the timer for the session that expires next, unless the next regular check comes first. */
  function arm(): void {
    clearTimeout(timer);
    dueAt = Number.POSITIVE_INFINITY;
    for (const { expiresAt, isEnding } of streams) {
      if (expiresAt !== null && !isEnding && expiresAt.getTime() < dueAt) dueAt = expiresAt.getTime();
    }
    const waitMs = dueAt - clock.now().getTime();
    if (isStopped || waitMs > checkMs) return;
    timer = setTimeout(checkExpired, Math.max(waitMs, minPauseMs)).unref();
  }

  async function checkExpired(): Promise<void> {
    const now = clock.now();
    await check([...streams].filter(({ expiresAt, isEnding }) => expiresAt !== null && expiresAt <= now && !isEnding));
    arm();
  }

  const repeated: Repeated = repeat(checkMs, () => check([...streams]).then(arm), report);

  return {
    check,
    expect({ expiresAt }) {
      if (expiresAt !== null && expiresAt.getTime() < dueAt) arm();
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await repeated.stop();
    },
  };
}

function isOfService({ reader }: OpenStream): boolean {
  return isService(reader);
}
