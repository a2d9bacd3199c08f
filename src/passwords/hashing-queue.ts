/**
 * Admission to password hashing. This is the only place that refuses a request because too many passwords wait: the
 * threads of `hashing-pool.ts` take every job, and requests without a place bring them none.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PasswordPolicy } from '../config/config.ts';
import { hashingWaits, refusedHashes } from '../diagnostics.ts';
import { RequestError, WrongPasswordError } from '../errors.ts';

/**
 * The number of places. They suffice for the hash that each thread computes, its next job, and a few requests that look
 * a user up before or start a session after. The server does nothing for a request without a place, so that many logins
 * at once leave the event loop and the database to other requests.
 */
const maxPlaces = 3 * Math.max(1, availableParallelism() - 1) + 2;

/** The ratio of slots: one in this number goes to the other queue, as long as requests wait in it. */
const placesPerOther = 4;

/** The maximum number of requests of one account in the trusted queue. Further ones wait in the other queue. */
const maxWaitingPerAccount = 5;

/** The maximum number of trust look-ups at once. A made-up device token costs its sender nothing. */
const maxLookUps = 4;

/** A request that waits, and the function that gives it a place. */
type Waiting = { account: string | null; begin: () => void };

let takenPlaces = 0;
let lookUps = 0;
let trustedInARow = 0;
const queues = { trusted: [] as Waiting[], others: [] as Waiting[] };

/** The reason why a request may go first: a trusted device of the user, or a session of theirs. */
export type Trust = {
  /** The account that the request is about. */
  account: string;
  /** True where it is known, or the function that looks it up. It is called only if there is no free place. */
  isTrusted: true | (() => Promise<boolean>);
};

/**
 * Runs an act that hashes a password once there is a place for it. Requests from trusted devices have a queue of their
 * own, as long as the other one, and go first, so that a crowd of strangers does not keep a user out. Every fourth
 * place goes to the other queue.
 *
 * If the act fails with WrongPasswordError, delays that error as long as it says. The place is free by then.
 *
 * @throws RequestError if too many requests wait.
 */
export async function withHashingSlot<T>(
  policy: PasswordPolicy,
  act: () => Promise<T>,
  trust: Trust | null = null,
): Promise<T> {
  try {
    return await withPlace(policy, act, trust);
  } catch (error) {
    if (error instanceof WrongPasswordError) await sleep(error.delayMs);
    throw error;
  }
}

async function withPlace<T>({ queueLength }: PasswordPolicy, act: () => Promise<T>, trust: Trust | null): Promise<T> {
  const began = performance.now();
  const account = trust !== null && takenPlaces >= maxPlaces && (await lookUp(trust)) ? trust.account : null;
  if (takenPlaces < maxPlaces) takenPlaces += 1;
  else await waitForPlace(account, queueLength);
  hashingWaits.publish({ waitedMs: performance.now() - began });
  try {
    return await act();
  } finally {
    passPlaceOn();
  }
}

/** Returns the number of requests that wait for a place. */
export function waitingForHashing(): number {
  return queues.trusted.length + queues.others.length;
}

/** Returns whether a request is trusted. Returns false without a look-up while too many others are looked up. */
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

/** @param account - the account of a trusted request, or null for other requests */
function waitForPlace(account: string | null, queueLength: number): Promise<void> {
  const { trusted, others } = queues;
  const ofAccount = trusted.filter((waiting) => waiting.account === account).length;
  const isFirst = account !== null && trusted.length < queueLength && ofAccount < maxWaitingPerAccount;
  const queue = isFirst ? trusted : others;
  if (queue.length >= queueLength) {
    refusedHashes.publish({});
    throw new RequestError(
      'SERVER_OVERLOADED',
      'Too many passwords are waiting to be checked. Try again in a moment.',
      1,
    );
  }
  return new Promise((begin) => void queue.push({ account, begin }));
}

/** Passes a place on to the next request, or frees it if none waits. So while a request waits, no place is free. */
function passPlaceOn(): void {
  const { trusted, others } = queues;
  const isOthersTurn = others.length > 0 && trustedInARow >= placesPerOther - 1;
  const queue = trusted.length > 0 && !isOthersTurn ? trusted : others;
  trustedInARow = queue === trusted ? trustedInARow + 1 : 0;
  const next = queue.shift();
  if (next) next.begin();
  else takenPlaces -= 1;
}
