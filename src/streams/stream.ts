import { RequestError } from '../errors.ts';
import type { StreamEnd } from './end.ts';
import type { Delivery, Verdict } from './judge.ts';
import { type Message, withMessage } from './messages.ts';
import type { ReadMissed } from './missed.ts';

/** The maximum number of messages that wait in the memory. If there are more, the stream reads them from the log. */
export const maxWaiting = 64;

/** The time after which a client that has not asked for a message reads too slowly, if too many wait. */
const maxIdleMs = 30_000;

export type StreamParts = {
  /** Reads what the reader missed before the stream began. Null if it missed nothing. */
  readMissed: ReadMissed | null;
  /** Returns the reading of the messages after a position that were told until now. */
  missedSince(position: bigint): ReadMissed;
  /** Returns the time in milliseconds. */
  now(): number;
  /** Decides on a message by the state of the reader now. */
  judge(message: Message): Promise<Verdict>;
  /** Waits until the next message may be executed, and returns a function that ends this turn. */
  enter(): Promise<() => void>;
  /** Is called once, when the stream ends. */
  onEnd(end: StreamEnd): void;
};

const slow = new RequestError('SLOW_CONSUMER', 'The stream ended, because its messages were read too slowly.');
const lost = new RequestError('FORBIDDEN', 'The stream ended: its caller may not read it any more.');

/** The messages for one reader, as an iterator that waits for the next one. Its memory is limited. */
export class Stream implements AsyncIterableIterator<Delivery> {
  readonly #parts: StreamParts;
  #missed: Message[] = [];
  /** Reads more of what was missed. Null if all was read. */
  #readMissed: ReadMissed | null;
  #waiting: Message[] = [];
  /** Waits behind all other messages. */
  #last: Message | null = null;
  /** True if more messages than may wait were added since the last one was taken. None of them is in the memory. */
  #isBehind = false;
  /** Every message up to it was taken. */
  #position: bigint;
  /** The time since which the client has not asked for a message. Infinite while it waits for one. */
  #idleSince: number;
  /** Wakes the reader that waits. */
  #wake: (() => void) | null = null;
  #end: StreamEnd | null = null;
  #failure: RequestError | null = null;

  constructor(first: Message, parts: StreamParts) {
    this.#parts = parts;
    this.#missed.push(first);
    this.#readMissed = parts.readMissed;
    this.#position = first.cursor;
    this.#idleSince = parts.now();
  }

  /** The reason of the end. Null for a stream that is open. */
  get end(): StreamEnd | null {
    return this.#end;
  }

  /**
   * Adds a message of the log to those that wait. If there are too many, the stream reads them again from the log, unless
   * the client has stopped reading.
   *
   * @param before - every message up to it was added
   */
  push(message: Message, before: bigint): void {
    if (this.#end !== null) return;
    const hasAll = this.#missed.length + this.#waiting.length === 0 && this.#readMissed === null && !this.#isBehind;
    if (hasAll) this.#position = before;
    if (!this.#isBehind) {
      const waiting = withMessage(this.#waiting, message);
      this.#isBehind = waiting.length > maxWaiting;
      this.#waiting = this.#isBehind ? [] : waiting;
      this.#wake?.();
    }
    if (this.#isBehind && this.#parts.now() - this.#idleSince >= maxIdleMs) this.close('SLOW_CONSUMER');
  }

  /** Adds the end of the reader's session, which the log may not tell this stream. It is never dropped. */
  pushLast(message: Message): void {
    if (this.#end === null) this.#last ??= message;
    this.#wake?.();
  }

  /** Reads the first messages that the reader missed, so that a position at which it cannot resume is refused at once. */
  async prepare(): Promise<void> {
    if (this.#readMissed === null) return;
    const missed = await this.#required(this.#readMissed());
    this.#missed.push(...(missed ?? []));
  }

  /** Ends the stream. What waits is not delivered. Further calls change nothing. */
  close(end: StreamEnd): void {
    if (this.#end !== null) return;
    this.#end = end;
    if (end === 'SLOW_CONSUMER') this.#failure = slow;
    if (end === 'ACCESS_LOST') this.#failure = lost;
    this.#missed = [];
    this.#waiting = [];
    this.#last = null;
    this.#parts.onEnd(end);
    this.#wake?.();
  }

  /** Waits for a message, or the end, and then for its turn. Returns a function that ends the turn. */
  async turn(): Promise<() => void> {
    this.#idleSince = Number.POSITIVE_INFINITY;
    await this.#required(this.#arrival());
    const leave = await this.#parts.enter();
    return () => {
      this.#idleSince = this.#parts.now();
      leave();
    };
  }

  /** @throws RequestError with the reason, once, if the stream has ended for one that the client should read. */
  next(): Promise<IteratorResult<Delivery, undefined>> {
    return this.#required(this.#next());
  }

  /** Waits for a step without which the stream ends. */
  async #required<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      this.close('FAILED');
      throw error;
    }
  }

  async #next(): Promise<IteratorResult<Delivery, undefined>> {
    const message = await this.#take();
    if (message === null) return this.#finish();
    const verdict = await this.#parts.judge(message);
    // It may have ended meanwhile.
    if (this.#end !== null) return this.#finish();
    if ('end' in verdict) {
      this.close(verdict.end);
      return this.#finish();
    }
    if (verdict.isLast) this.close('SESSION_ENDED');
    return { done: false, value: verdict.delivery };
  }

  #finish(): IteratorResult<Delivery, undefined> {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
    return { done: true, value: undefined };
  }

  /** Returns the next message. Null if the stream has ended. */
  async #take(): Promise<Message | null> {
    let message: Message | null = null;
    // What waited may be dropped after the arrival.
    while (this.#end === null && message === null) {
      await this.#arrival();
      message = this.#missed.shift() ?? this.#waiting.shift() ?? this.#last;
    }
    if (message !== null) this.#position = message.cursor;
    if (message === this.#last) this.#last = null;
    return message;
  }

  /** Waits for a message, or the end. */
  async #arrival(): Promise<void> {
    while (this.#end === null && this.#missed.length === 0) {
      if (this.#readMissed === null && this.#isBehind) {
        this.#readMissed = this.#parts.missedSince(this.#position);
        this.#isBehind = false;
      }
      if (this.#readMissed !== null) {
        const more = await this.#readMissed();
        this.#missed = this.#end === null ? (more ?? []) : [];
        if (more === null) this.#readMissed = null;
        continue;
      }
      if (this.#waiting.length > 0 || this.#last !== null) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  async return(): Promise<IteratorResult<Delivery, undefined>> {
    this.close('CLIENT_LEFT');
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
