import type { CloseReason, SessionEnd } from './close-reason.ts';

/** A point in the stream of ends. Null if there is no stream at the time: it would not tell all ends from then on. */
export type StreamPoint = { epoch: number; count: number } | null;

/** In handles: the length of the memory of ends. */
const maxHandles = 10_000;

/**
 * Remembers the latest ends. A session may end after it was verified, and before its socket is watched: then the stream
 * has told the end already. An ended session never becomes live again, so an end stays true.
 */
export class EndMemory {
  readonly #reasons = new Map<string, CloseReason>();
  #isComplete = false;
  #epoch = 0;
  #count = 0;

  /** Notes that a stream begins which tells all ends from now on. */
  begin(): void {
    this.#isComplete = true;
    this.#epoch += 1;
  }

  add({ handle, reason }: SessionEnd): void {
    this.#count += 1;
    this.#reasons.set(handle, reason);
    if (this.#reasons.size <= maxHandles) return;
    const [oldest = ''] = this.#reasons.keys();
    this.#reasons.delete(oldest);
  }

  /** Returns why a session ended. Undefined if no end is remembered. */
  reasonOf(handle: string): CloseReason | undefined {
    return this.#reasons.get(handle);
  }

  now(): StreamPoint {
    return this.#isComplete ? { epoch: this.#epoch, count: this.#count } : null;
  }

  /** Returns whether every end since a point was told and is remembered. */
  coversSince(point: StreamPoint): boolean {
    const isTold = point !== null && this.#isComplete && point.epoch === this.#epoch;
    return isTold && this.#count - point.count <= maxHandles;
  }

  /** Notes that no stream tells ends any more. */
  end(): void {
    this.#isComplete = false;
    this.#reasons.clear();
  }
}
