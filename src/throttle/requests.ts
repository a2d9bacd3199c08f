/** How often something may be asked for from one address. */
import { hash } from 'node:crypto';
import type { Database } from '../database/database.ts';
import { retryConflicts } from '../database/transaction.ts';
import { RateLimitedError, RequestError } from '../errors.ts';
import type { Scope } from '../scope.ts';
import { networkOf, widerNetworkOf } from './network.ts';
import { countOnce, type RateLimit, requireNotReached, uncount } from './rate-limit.ts';

export const quarterMs = 15 * 60_000;

/** How much more a whole network may do than one address in it. Many clients share it, and some attackers have one. */
const networkFactor = 10;

/** How often something may be done from one address. */
export type AddressLimit = { kind: string; points: number; durationMs: number };

/** Returns the limits for an address (or its network of IPv6, /64) and for the wider network around it. */
export function addressLimits(ipAddress: string, { kind, points, durationMs }: AddressLimit): RateLimit[] {
  const keyOf = (network: string) => `${kind}:${hash('sha256', network)}`;
  return [
    { key: keyOf(networkOf(ipAddress)), points, durationMs },
    { key: keyOf(widerNetworkOf(ipAddress)), points: networkFactor * points, durationMs },
  ];
}

/**
 * Counts something that may be done so often from one address and from its network, whatever becomes of it. A refusal
 * does not count, so that one address alone does not use up what its network may do. An address that is not known is
 * not counted.
 *
 * @throws RateLimitedError if it is too often.
 */
export async function requireAttemptFrom(
  database: Database,
  { client: { ipAddress }, now }: Scope,
  limit: AddressLimit,
): Promise<void> {
  if (ipAddress === null) return;
  const limits = addressLimits(ipAddress, limit);
  await requireNotReached(database, limits, now);
  try {
    await countOnce(database, limits, now);
  } catch (error) {
    if (error instanceof RateLimitedError) await retryConflicts(() => uncount(database, limits));
    throw error;
  }
}

/**
 * The same where a refusal does not belong into the result.
 *
 * @throws RequestError if it is too often.
 */
export async function requireRequestFrom(database: Database, scope: Scope, limit: AddressLimit): Promise<void> {
  try {
    await requireAttemptFrom(database, scope, limit);
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error;
    throw new RequestError('RATE_LIMITED', error.message, error.retryAfterSeconds);
  }
}
