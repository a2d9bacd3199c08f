/** Who gets to have a password hashed, in the order in which they came. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PasswordPolicy } from '../config.ts';
import { RequestError } from '../errors.ts';

/**
 * How many are at it at once: those who are hashing, the next ones, which a thread has at hand, and a few who are looked
 * up before or signed in after. Everybody else waits before anything is done for them, so that a crowd that logs in
 * leaves the event loop and the database to others.
 */
const mostAtOnce = 3 * Math.max(1, availableParallelism() - 1) + 2;

let atIt = 0;
const waiting: (() => void)[] = [];

export type Turn = {
  /** Lets whoever has the turn wait that long for their answer, in milliseconds, once the place is somebody else's. */
  delay(milliseconds: number): void;
};

/**
 * Does what hashes a password when it is its turn.
 *
 * @throws RequestError where too many are waiting for theirs.
 */
export async function inTurn<T>(policy: PasswordPolicy, act: (turn: Turn) => Promise<T>): Promise<T> {
  let delayMs = 0;
  const turn: Turn = {
    delay(milliseconds) {
      delayMs = Math.max(delayMs, milliseconds);
    },
  };
  try {
    return await havingPlace(policy, () => act(turn));
  } finally {
    if (delayMs > 0) await sleep(delayMs);
  }
}

async function havingPlace<T>({ queueLength }: PasswordPolicy, act: () => Promise<T>): Promise<T> {
  if (atIt >= mostAtOnce) {
    if (waiting.length >= queueLength) {
      throw new RequestError('SERVER_OVERLOADED', 'Too many are logging in. Try again in a moment.', 1);
    }
    // Whoever is done hands their place on.
    await new Promise<void>((resolve) => void waiting.push(resolve));
  } else {
    atIt += 1;
  }
  try {
    return await act();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else atIt -= 1;
  }
}
