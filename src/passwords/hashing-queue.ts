/** Who gets to have a password hashed: trusted devices first, and each kind in the order in which they came. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PasswordPolicy } from '../config/config.ts';
import { RequestError } from '../errors.ts';

/**
 * How many are at it at once: those who are hashing, the next ones, which a thread has at hand, and a few who are looked
 * up before or signed in after. Everybody else waits before anything is done for them, so that a crowd that logs in
 * leaves the event loop and the database to others.
 */
const maxAtOnce = 3 * Math.max(1, availableParallelism() - 1) + 2;

/** Of as many places in a row, one goes to those who are not trusted, as long as one of them waits. */
const placesPerOther = 4;

/** How many requests of one account may wait with the trusted ones. More of them wait with the others. */
const maxWaitingPerAccount = 5;

/** How many look-ups of trust are made at once. A token that is made up costs its sender nothing. */
const maxLookUps = 4;

/** Who waits, and what tells them that a place is theirs. */
type Waiting = { account: string | null; begin: () => void };

let atIt = 0;
let lookUps = 0;
let trustedInARow = 0;
const lanes = { trusted: [] as Waiting[], others: [] as Waiting[] };

/** Why somebody may go before strangers: they are at a device on which the user has signed in, or in a session. */
export type Trust = {
  /** The account that it is about. */
  account: string;
  /** True where it is known, or what looks it up. That is asked only where there is no free place. */
  isTrusted: true | (() => Promise<boolean>);
};

export type HashingSlot = {
  /** Lets whoever has the turn wait that long for their answer, in milliseconds, once the place is somebody else's. */
  delay(milliseconds: number): void;
};

/**
 * Does what hashes a password when it is its turn. Trusted devices have a queue of their own, as long as that of the
 * others, and go first, so that a crowd of strangers does not keep a user out. Every fourth place goes to the others.
 *
 * @throws RequestError where too many are waiting for theirs.
 */
export async function withHashingSlot<T>(
  policy: PasswordPolicy,
  act: (slot: HashingSlot) => Promise<T>,
  trust: Trust | null = null,
): Promise<T> {
  let delayMs = 0;
  const slot: HashingSlot = {
    delay(milliseconds) {
      delayMs = Math.max(delayMs, milliseconds);
    },
  };
  try {
    return await havingPlace(policy, () => act(slot), trust);
  } finally {
    if (delayMs > 0) await sleep(delayMs);
  }
}

async function havingPlace<T>({ queueLength }: PasswordPolicy, act: () => Promise<T>, trust: Trust | null): Promise<T> {
  const account = trust !== null && atIt >= maxAtOnce && (await lookUp(trust)) ? trust.account : null;
  if (atIt < maxAtOnce) atIt += 1;
  else await waitForPlace(account, queueLength);
  try {
    return await act();
  } finally {
    handOn();
  }
}

/** Whether it is so, as far as it may be looked up: while too many others are, it is not. */
async function lookUp({ isTrusted }: Trust): Promise<boolean> {
  if (isTrusted === true) return true;
  if (lookUps >= maxLookUps) return false;
  lookUps += 1;
  try {
    return await isTrusted();
  } finally {
    lookUps -= 1;
  }
}

/** @param account - of whom a trusted device waits; null for others */
function waitForPlace(account: string | null, queueLength: number): Promise<void> {
  const { trusted, others } = lanes;
  const ofAccount = trusted.filter((waiting) => waiting.account === account).length;
  const isFirst = account !== null && trusted.length < queueLength && ofAccount < maxWaitingPerAccount;
  const lane = isFirst ? trusted : others;
  if (lane.length >= queueLength) {
    throw new RequestError('SERVER_OVERLOADED', 'Too many are logging in. Try again in a moment.', 1);
  }
  return new Promise((begin) => void lane.push({ account, begin }));
}

/** Gives a place that has become free to who is next. A place is free only where nobody waits. */
function handOn(): void {
  const { trusted, others } = lanes;
  const isOthersTurn = others.length > 0 && trustedInARow >= placesPerOther - 1;
  const lane = trusted.length > 0 && !isOthersTurn ? trusted : others;
  trustedInARow = lane === trusted ? trustedInARow + 1 : 0;
  const next = lane.shift();
  if (next) next.begin();
  else atIt -= 1;
}
