/** Polls that wait for the next security event (long polling), and their limits. */
import type { LogReader } from '../events/log-reader.ts';
import { isSecurityEvent } from './event-types.ts';

/** The maximum wait of a poll. Proxies end a request that is silent for longer, and so does this server. */
export const maxWaitMs = 20_000;

/** Per service client and server. A newer poll ends the oldest one: the client has probably given that up. */
const maxWaitsPerClient = 4;

/** Per server. Each takes a connection and a few kilobytes. */
export const maxWaits = 500;

/** The wait of one poll. */
export type Wait = {
  /**
   * Resolves to true when there may be new events, also if they appeared before the call. Resolves to false when the
   * wait is over.
   */
  next(): Promise<boolean>;
  end(): void;
};

export class WaitingPolls {
  readonly #reader: Pick<LogReader, 'follow'>;
  readonly #waits = new Map<OneWait, string>();
  #following: Promise<{ stop(): void }> | null = null;
  #isDraining = false;

  constructor(reader: Pick<LogReader, 'follow'>) {
    this.#reader = reader;
  }

  /**
   * Begins the wait of a client. Returns null if too many polls wait, or the server is about to stop.
   *
   * @throws the error of the log if it cannot be followed
   */
  async begin(clientId: string): Promise<Wait | null> {
    if (this.#isDraining || this.#waits.size >= maxWaits) return null;
    const own = [...this.#waits].filter(([, owner]) => owner === clientId);
    if (own.length >= maxWaitsPerClient) own[0]?.[0].end();
    const wait = new OneWait(() => this.#leave(wait));
    this.#waits.set(wait, clientId);
    try {
      await this.#follow();
      return wait;
    } catch (error) {
      wait.end();
      throw error;
    }
  }

  /** Ends all waits, and lets none begin: the server is about to stop. */
  drain(): void {
    this.#isDraining = true;
    for (const wait of [...this.#waits.keys()]) wait.end();
  }

  /** Follows the log for all waits together. */
  async #follow(): Promise<void> {
    this.#following ??= this.#reader.follow((events) => {
      if (events.some(isSecurityEvent)) for (const wait of this.#waits.keys()) wait.wake();
    });
    await this.#following;
  }

  #leave(wait: OneWait): void {
    this.#waits.delete(wait);
    if (this.#waits.size > 0) return;
    // Fails only if it never began, and `begin` has thrown that.
    this.#following?.then(({ stop }) => stop()).catch(() => {});
    this.#following = null;
  }
}

class OneWait implements Wait {
  readonly #onEnd: () => void;
  readonly #timer = setTimeout(() => this.end(), maxWaitMs).unref();
  #hasNews = false;
  #isOver = false;
  #resolve = () => {};

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  async next(): Promise<boolean> {
    if (!this.#hasNews && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
    }
    const hasNews = this.#hasNews && !this.#isOver;
    this.#hasNews = false;
    return hasNews;
  }

  wake(): void {
    this.#hasNews = true;
    this.#resolve();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#resolve();
    this.#onEnd();
  }
}
