import { RequestError } from '../errors.ts';
import type { StreamEnd } from './end.ts';
import type { Delivery, Verdict } from './judge.ts';
import { type Message, withMessage } from './messages.ts';

/** The maximum number of messages that wait for a client. One that reads more slowly would cost memory without a limit. */
export const maxWaiting = 64;

export type StreamParts = {
  /** Returns the next messages that the reader missed before the stream began. Null after the last one. */
  readMissed: (() => Promise<Message[] | null>) | null;
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
  #hasMissed: boolean;
  #waiting: Message[] = [];
  /** Wakes the reader that waits. */
  #wake: (() => void) | null = null;
  #end: StreamEnd | null = null;
  #failure: RequestError | null = null;

  constructor(first: Message, parts: StreamParts) {
    this.#parts = parts;
    this.#missed.push(first);
    this.#hasMissed = parts.readMissed !== null;
  }

  /** The reason of the end. Null for a stream that is open. */
  get end(): StreamEnd | null {
    return this.#end;
  }

  /** Adds a message to those that wait. */
  push(message: Message): void {
    if (this.#end !== null) return;
    const waiting = withMessage(this.#waiting, message);
    if (waiting.length > maxWaiting) {
      this.close('SLOW_CONSUMER');
      return;
    }
    this.#waiting = waiting;
    this.#wake?.();
  }

  /** Reads the first messages that the reader missed, so that a position at which it cannot resume is refused at once. */
  async prepare(): Promise<void> {
    if (this.#parts.readMissed === null) return;
    const missed = await this.#required(this.#parts.readMissed());
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
    this.#parts.onEnd(end);
    this.#wake?.();
  }

  /** Waits for a message, or the end, and then for its turn. Returns a function that ends the turn. */
  async turn(): Promise<() => void> {
    await this.#required(this.#arrival());
    return this.#parts.enter();
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
    await this.#arrival();
    return this.#missed.shift() ?? this.#waiting.shift() ?? null;
  }

  /** Waits for a message, or the end. */
  async #arrival(): Promise<void> {
    while (this.#end === null && this.#missed.length === 0) {
      if (this.#hasMissed) {
        const more = (await this.#parts.readMissed?.()) ?? null;
        this.#missed = this.#end === null ? (more ?? []) : [];
        this.#hasMissed = more !== null;
        continue;
      }
      if (this.#waiting.length > 0) return;
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
