import type { Session } from '../auth.ts';
import type { Socket } from './close-sockets.ts';
import { callAfter } from './timers.ts';
import { timing } from './timing.ts';

/** A session that sockets belong to, and its only timer. */
export class WatchedSession {
  readonly handle: string;
  /** The newest token that was verified. It stays in memory to verify the session again. */
  token: string;
  /** Whether nothing is known about the session until it was verified again. */
  isDue = false;
  readonly sockets = new Set<Socket>();
  /** How many verifications in turn found the session live after its expiry. Then the clocks differ. */
  #lateVerdicts = 0;
  #cancelTimer = () => {};

  constructor(handle: string, token: string) {
    this.handle = handle;
    this.token = token;
  }

  /** Calls a function when the session has to be verified again. */
  expectLife({ expiresAt }: Session, hasUser: boolean, onDue: () => void): void {
    this.isDue = false;
    const leftMs = expiresAt.getTime() + timing.expiryMarginMs - Date.now();
    this.#lateVerdicts = leftMs > 0 ? 0 : this.#lateVerdicts + 1;
    const nextMs = leftMs > 0 ? leftMs : Math.min(timing.retryMs * 2 ** this.#lateVerdicts, timing.visitorCheckMs);
    this.#setTimer(hasUser ? nextMs : Math.min(nextMs, timing.visitorCheckMs), onDue);
  }

  /** Calls a function if there is no verdict for so long, from the first call on. */
  expectVerdict(maxMs: number, onLate: () => void): void {
    if (this.isDue) return;
    this.isDue = true;
    this.#setTimer(maxMs, onLate);
  }

  stop(): void {
    this.#cancelTimer();
  }

  #setTimer(delayMs: number, act: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = callAfter(delayMs, act);
  }
}
