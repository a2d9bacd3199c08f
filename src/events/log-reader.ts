/** Follows the log of events for all streams of a server, with one read for all of them. */
import { type Repeated, repeat } from '../background.ts';
import type { Database } from '../database/database.ts';
import { settledId } from '../database/ids.ts';
import { OperatorNotice } from '../errors.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';
import { findEvents } from './log.ts';
import { LogPosition } from './log-position.ts';

/** The pause between two reads, in milliseconds. An event is delivered within this time and that of a read. */
const pollMs = 100;

/** The maximum number of events of one read. After a full one, the next follows at once. */
const maxEvents = 500;

/**
 * Receives events as they appear, each id once. Events of concurrent transactions may come in any order.
 *
 * @param cursor - every event with an id up to it was delivered, or is older than the follow
 */
export type OnEvents = (events: AuditEvent[], cursor: bigint) => void;

export type Follow = {
  /** The position at which the follow began. */
  cursor: bigint;
  stop(): void;
};

export type LogReader = {
  /**
   * Delivers all events that appear from now on, and none twice. The first batch may have events from just before. A
   * reader that later resumes after a cursor misses no event; events that were delivered ahead of the cursor come again.
   */
  follow(onEvents: OnEvents): Promise<Follow>;
  /** Stops reading. No event is delivered after that. */
  stop(): Promise<void>;
};

/**
 * Returns the reader of a server. It reads only while somebody follows: every 100 ms, by one statement that costs the
 * same for any number of followers, and a second one if there is something new. It needs no `LISTEN`, which poolers do
 * not support, and never waits for a slow writer: later events are delivered before those of that writer.
 */
export function openLogReader(database: Database, report: (error: unknown) => void): LogReader {
  const followers = new Set<OnEvents>();
  let beginning: Promise<LogPosition> | null = null;
  let followed: LogPosition | null = null;
  let polling: Repeated | null = null;
  let isStopped = false;
  let hasFailed = false;

  /** Returns the position of all followers. The first one waits for the open transactions: no id below it can appear. */
  async function begin(): Promise<LogPosition> {
    if (followed !== null) return followed;
    beginning ??= settledId(database, 'AuditEvent')
      .then((id) => new LogPosition(id))
      .finally(() => {
        beginning = null;
      });
    const begun = await beginning;
    followed ??= begun;
    return followed;
  }

  async function poll(current: LogPosition): Promise<void> {
    for (let isFull = true; isFull; ) {
      const events = await read(current);
      // Followers that have joined since the last one left have another position.
      if (current !== followed) return;
      isFull = events.length >= maxEvents;
      if (events.length === 0) continue;
      for (const deliver of [...followers]) attempt(() => deliver(events, current.cursor));
    }
  }

  /** Returns the events that appeared since the last read. */
  async function read(current: LogPosition): Promise<AuditEvent[]> {
    const newest = await database.$newestId('AuditEvent');
    if (newest < current.top) {
      report(new OperatorNotice('warning', wentBack));
      current.reset(newest);
    }
    if (current.hasGaps) current.noteWriters(await database.$writersOf('AuditEvent'));
    // Read after the writers: what those that ended have committed is visible.
    const late = current.hasGaps ? await findEvents(database, { id: { in: current.gaps } }, current.gaps.length) : null;
    const mayHaveMore = newest > current.top && !current.isFull;
    const next = mayHaveMore ? await findEvents(database, { id: { gt: current.top, lte: newest } }, maxEvents) : [];
    // After all reads, because one that fails must lose nothing.
    if (late !== null) current.close(late);
    return [...(late ?? []), ...current.add(next, next.length < maxEvents ? newest : null)];
  }

  function attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      report(error);
    }
  }

  async function work(): Promise<void> {
    if (followed === null) return;
    try {
      await poll(followed);
      hasFailed = false;
    } catch (error) {
      // Once for an outage. The position stays, so that nothing is missed.
      if (!hasFailed) report(error);
      hasFailed = true;
    }
  }

  function endUnused(): void {
    if (followers.size > 0) return;
    followed = null;
    void polling?.stop();
    polling = null;
  }

  return {
    async follow(onEvents) {
      const current = await begin();
      if (isStopped) throw new Error('The reader was stopped.');
      polling ??= repeat(pollMs, work, report);
      // The last other follower may have left in the meantime.
      followed ??= current;
      const { cursor, ahead } = followed;
      followers.add(onEvents);
      if (ahead.length > 0) attempt(() => onEvents(ahead, cursor));
      return {
        cursor,
        stop() {
          followers.delete(onEvents);
          endUnused();
        },
      };
    },
    async stop() {
      isStopped = true;
      followers.clear();
      const running = polling;
      endUnused();
      await running?.stop();
    },
  };
}

const wentBack =
  'The newest id of the log of events is lower than before: the database was restored, or a standby took over that had ' +
  'not received everything. Streams continue with new events.';
