import { stillOpen } from '../database/ids.ts';
import type { AuditEvent } from '../generated/sqlite/client.ts';

/** The maximum number of ids that a position waits for. With more, it reads no newer events until some have appeared. */
const maxGaps = 1_000;

/** The ids that are missing below the top, and the transactions that may still commit some of them. */
type Wait = { gaps: Set<bigint>; writers: Set<string> };

/**
 * The position of a reader in the log, by ids. Ids are given out before the commit, so on PostgreSQL one below others may
 * appear late, or never. The position remembers such gaps until the transactions that may fill them have ended.
 */
export class LogPosition {
  /** The highest id that was read, or looked for. */
  #top: bigint;
  #gaps = new Set<bigint>();
  #wait: Wait | null = null;
  /** The events above the first gap, which were delivered. */
  #ahead: AuditEvent[] = [];

  constructor(settled: bigint) {
    this.#top = settled;
  }

  get top(): bigint {
    return this.#top;
  }

  /** The highest id below which nothing can appear any more. */
  get cursor(): bigint {
    const [lowest] = this.#gaps;
    return lowest === undefined ? this.#top : lowest - 1n;
  }

  /** The events above the cursor that were delivered already. */
  get ahead(): AuditEvent[] {
    return [...this.#ahead];
  }

  get hasGaps(): boolean {
    return this.#gaps.size > 0;
  }

  get gaps(): bigint[] {
    return [...this.#gaps];
  }

  /** True if there are too many gaps to read newer events. */
  get isFull(): boolean {
    return this.#gaps.size >= maxGaps;
  }

  /** Begins again at an id: the log has lost the ids above it. */
  reset(newest: bigint): void {
    this.#top = newest;
    this.#gaps.clear();
    this.#wait = null;
    this.#ahead = [];
  }

  /**
   * Notes the transactions that write now. Call it before the gaps are read: when all that were seen at first have ended,
   * that read is the last one that can find something.
   */
  noteWriters(writers: Set<string>): void {
    if (this.#wait === null) this.#wait = { gaps: new Set(this.#gaps), writers };
    else this.#wait.writers = stillOpen(this.#wait.writers, writers);
  }

  /** Takes the events that were found in gaps, and gives up those that nothing can fill any more. */
  close(found: readonly AuditEvent[]): void {
    for (const { id } of found) this.#gaps.delete(id);
    if (this.#wait?.writers.size === 0) {
      for (const id of this.#wait.gaps) this.#gaps.delete(id);
      this.#wait = null;
    }
    this.#ahead.push(...found);
    this.#forget();
  }

  /**
   * Takes events above the top, in the order of their ids, and returns those that count as read.
   *
   * @param newest - the highest id that was given out before they were read. Null if there may be more events below it
   */
  add(found: readonly AuditEvent[], newest: bigint | null): AuditEvent[] {
    const taken: AuditEvent[] = [];
    for (const event of found) {
      if (!this.#leaveGaps(event.id)) break;
      this.#top = event.id;
      taken.push(event);
    }
    if (taken.length === found.length && newest !== null && this.#leaveGaps(newest + 1n)) this.#top = newest;
    this.#ahead.push(...taken);
    this.#forget();
    return taken;
  }

  /** Notes the ids between the top and an id as gaps. Returns false, and notes as many as it may, if there are more. */
  #leaveGaps(before: bigint): boolean {
    for (let id = this.#top + 1n; id < before; id += 1n) {
      if (this.#gaps.size >= maxGaps) return false;
      this.#gaps.add(id);
      this.#top = id;
    }
    return true;
  }

  #forget(): void {
    const { cursor } = this;
    this.#ahead = this.#ahead.filter(({ id }) => id > cursor);
  }
}
