/** When a delivery is tried again. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * The pauses after the first, second, … failed attempt, in milliseconds: those that Standard Webhooks suggests, up to
 * three days in sum. After a failure without a further pause, the delivery is dead.
 */
export const retryPausesMs: readonly number[] = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  20 * hour,
];

/** The age from which on a delivery that fails is dead, for any number of attempts: other deliveries were tried. */
const maxAgeMs = 3 * day;

/** The longest pause that a receiver can ask for with `Retry-After`. */
const maxRetryAfterMs = day;

/**
 * The time without a delivery after which a webhook is disabled. Longer than three days, so that a receiver that is
 * repaired before its first dead deliveries, and over a weekend, needs nobody to enable it.
 */
export const disableAfterMs = 5 * day;

/** The share of a pause that is random, so that deliveries that failed together are not tried again together. */
const jitter = 0.1;

type Attempted = { attempts: number; queuedAt: Date };

/**
 * Returns the time of the next attempt after one that failed, or null if there is none.
 *
 * @param attempts - the number of attempts that were made
 * @param retryAfterMs - the pause that the receiver asked for, or null
 */
export function nextAttemptAt({ attempts, queuedAt }: Attempted, retryAfterMs: number | null, now: Date): Date | null {
  const pauseMs = retryPausesMs[attempts - 1];
  if (pauseMs === undefined || now.getTime() - queuedAt.getTime() >= maxAgeMs) return null;
  const wantedMs = Math.min(retryAfterMs ?? 0, maxRetryAfterMs);
  return new Date(now.getTime() + Math.max(pauseMs * (1 - jitter * Math.random()), wantedMs));
}
