/** Limits requests per IP address and network. */
import { hash } from 'node:crypto';
import type { Database } from '../database/database.ts';
import { retryConflicts } from '../database/transaction.ts';
import { ProofOfWorkRequiredError, RateLimitedError, RequestError } from '../errors.ts';
import type { Scope } from '../scope.ts';
import { networkOf, widerNetworkOf } from './network.ts';
import type { RequireWork } from './proof-of-work.ts';
import { countOnce, type RateLimit, requireNotReached, uncount } from './rate-limit.ts';

export const quarterMs = 15 * 60_000;

/** The limit of a network, as a multiple of an address's. Many clients share a network, and some attackers have one. */
const networkFactor = 10;

/** A limit on requests of one kind from one address. */
export type AddressLimit = { kind: string; points: number; durationMs: number };

/** Returns the limits for an address (for IPv6, its /64 network) and for the wider network around it. */
export function addressLimits(ipAddress: string, { kind, points, durationMs }: AddressLimit): RateLimit[] {
  const keyOf = (network: string) => `${kind}:${hash('sha256', network)}`;
  return [
    { key: keyOf(networkOf(ipAddress)), points, durationMs },
    { key: keyOf(widerNetworkOf(ipAddress)), points: networkFactor * points, durationMs },
  ];
}

/** Returns the limits of failed attempts from an address: first its own, then that of its network. */
export function failureLimits(ipAddress: string, points: number): RateLimit[] {
  return addressLimits(ipAddress, { kind: 'passwords', points, durationMs: quarterMs });
}

/**
 * Counts a request from an address and its network, for any outcome. A refusal does not count, so that one address
 * alone does not use up the limit of its network. An unknown address is not counted.
 *
 * @param requireWork - is called with the failed attempts from the address, before the request counts
 * @throws RateLimitedError if a limit is reached.
 */
export async function requireAttemptFrom(
  database: Database,
  { client: { ipAddress }, now }: Scope,
  limit: AddressLimit,
  requireWork?: RequireWork,
): Promise<void> {
  if (ipAddress === null) return;
  const limits = addressLimits(ipAddress, limit);
  const failures = requireWork && failureLimits(ipAddress, 0)[0]?.key;
  const counts = await requireNotReached(database, limits, now, failures === undefined ? [] : [failures]);
  await requireWork?.(counts(failures));
  try {
    await countOnce(database, limits, now);
  } catch (error) {
    if (error instanceof RateLimitedError) await retryConflicts(() => uncount(database, limits));
    throw error;
  }
}

/**
 * Counts a request, as `requireAttemptFrom`, for a field whose result has no place for the refusal.
 *
 * @throws RequestError if a limit is reached, or work is required.
 */
export async function requireRequestFrom(
  database: Database,
  scope: Scope,
  limit: AddressLimit,
  requireWork?: RequireWork,
): Promise<void> {
  try {
    await requireAttemptFrom(database, scope, limit, requireWork);
  } catch (error) {
    if (error instanceof ProofOfWorkRequiredError) {
      const { message, puzzle } = error;
      throw new RequestError('PROOF_OF_WORK_REQUIRED', message, null, { puzzle });
    }
    if (!(error instanceof RateLimitedError)) throw error;
    throw new RequestError('RATE_LIMITED', error.message, error.retryAfterSeconds);
  }
}
