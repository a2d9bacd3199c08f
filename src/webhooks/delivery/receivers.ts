/** The receivers of a server that sends: how many requests each has, and whether it answers at all. */

import { maxPerWebhook } from '../http/send.ts';

/** The maximum number of requests at once beside the first one of each webhook, which is always free to start. */
export const maxShared = 16;

/**
 * The number of failures in a row from which on a receiver counts as down. It then gets single attempts with pauses: a
 * waiting message each would take hours to fail, and hit a receiver that comes back all at once.
 */
const downAfter = 4;

/** The first pause between attempts at a receiver that is down, and the longest, in milliseconds. */
const pauseMs = { first: 5_000, max: 5 * 60_000 };

type Receiver = { inFlight: number; failures: number; pausedUntil: number; lastTurn: bigint };

export class Receivers {
  readonly #receivers = new Map<bigint, Receiver>();
  readonly #unreadable = new Set<bigint>();
  #shared = 0;

  #of(id: bigint): Receiver {
    const receiver = this.#receivers.get(id) ?? { inFlight: 0, failures: 0, pausedUntil: 0, lastTurn: 0n };
    this.#receivers.set(id, receiver);
    return receiver;
  }

  /** Returns the number of requests that may start now. The first one of each webhook waits for no other webhook. */
  capacityOf(id: bigint, now: Date): number {
    const { inFlight, failures, pausedUntil } = this.#of(id);
    if (failures >= downAfter) return inFlight === 0 && now.getTime() >= pausedUntil ? 1 : 0;
    const own = inFlight === 0 ? 1 : 0;
    return own + Math.min(maxPerWebhook - inFlight - own, maxShared - this.#shared);
  }

  /** Counts a request that starts. Returns a function that ends it. */
  begin(id: bigint): () => void {
    const receiver = this.#of(id);
    const isShared = receiver.inFlight > 0;
    receiver.inFlight += 1;
    if (isShared) this.#shared += 1;
    return () => {
      receiver.inFlight -= 1;
      if (isShared) this.#shared -= 1;
    };
  }

  /** Returns the user whose turn was the last at a webhook. 0n if it was that of the deliveries without a user. */
  lastTurnOf(id: bigint): bigint {
    return this.#of(id).lastTurn;
  }

  noteTurn(id: bigint, userId: bigint | null): void {
    this.#of(id).lastTurn = userId ?? 0n;
  }

  /** Notes that a receiver accepted a message. Returns whether it failed before, and whether it counted as down. */
  noteSuccess(id: bigint): { hadFailed: boolean; wasDown: boolean } {
    const receiver = this.#of(id);
    const { failures } = receiver;
    receiver.failures = 0;
    return { hadFailed: failures > 0, wasDown: failures >= downAfter };
  }

  /** Notes a failure. Returns whether the receiver counts as down since this one. */
  noteFailure(id: bigint, now: Date): boolean {
    const receiver = this.#of(id);
    receiver.failures += 1;
    const pause = Math.min(pauseMs.max, pauseMs.first * 2 ** Math.max(0, receiver.failures - downAfter));
    receiver.pausedUntil = now.getTime() + pause;
    return receiver.failures === downAfter;
  }

  /** Notes that the secret of a webhook cannot be decrypted. Returns whether that is known. */
  noteUnreadable(id: bigint): boolean {
    const isKnown = this.#unreadable.has(id);
    this.#unreadable.add(id);
    return isKnown;
  }

  /** Forgets the failures of a receiver: an administrator changed or enabled it. */
  forget(id: bigint): void {
    this.#of(id).failures = 0;
  }
}
