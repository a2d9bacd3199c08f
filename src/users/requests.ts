/** How often something may be asked for: from one address, and for one mailbox. */
import { hash } from 'node:crypto';
import type { Device } from '../audit/record.ts';
import type { Database } from '../database/database.ts';
import { RateLimitedError, RequestError } from '../errors.ts';
import { networkOf } from './network.ts';
import type { MailName } from './outbox.ts';
import { countOnce, type RateLimit, requireNotReached } from './rate-limit.ts';

export const quarterMs = 15 * 60_000;

/** A limit for all who share an address, or a network of IPv6. */
export function addressLimit(kind: string, ipAddress: string, limit: Omit<RateLimit, 'key'>): RateLimit {
  return { key: `${kind}:${hash('sha256', networkOf(ipAddress))}`, ...limit };
}

/**
 * Counts something that may be done so often from one address, whatever becomes of it. An address that is not known is
 * not counted.
 *
 * @throws RateLimitedError if it is too often.
 */
export async function requireAttemptFrom(
  database: Database,
  kind: string,
  { ipAddress }: Device,
  limit: { points: number; durationMs: number },
  now: Date,
): Promise<void> {
  if (ipAddress === null) return;
  const limitOfAddress = addressLimit(kind, ipAddress, limit);
  await requireNotReached(database, [limitOfAddress], now);
  await countOnce(database, [limitOfAddress], now);
}

/**
 * The same where a refusal does not belong into the result.
 *
 * @throws RequestError if it is too often.
 */
export async function requireRequestFrom(
  database: Database,
  kind: string,
  device: Device,
  perQuarter: number,
  now: Date,
): Promise<void> {
  try {
    await requireAttemptFrom(database, kind, device, { points: perQuarter, durationMs: quarterMs }, now);
  } catch (error) {
    if (!(error instanceof RateLimitedError)) throw error;
    throw new RequestError('RATE_LIMITED', error.message, error.retryAfterSeconds);
  }
}

/** How many links a mailbox gets in an hour, however many ask for them. */
const mailsPerHour = 5;

/** Whether one more link of this kind may be mailed to an address: nobody fills somebody else's mailbox. Counts it. */
export async function mayBeMailed(database: Database, kind: MailName, email: string, now: Date): Promise<boolean> {
  const key = `${kind}:${hash('sha256', email.toLowerCase())}`;
  const limit = { key, points: mailsPerHour, durationMs: 4 * quarterMs };
  try {
    await requireNotReached(database, [limit], now);
    await countOnce(database, [limit], now);
    return true;
  } catch (error) {
    if (error instanceof RateLimitedError) return false;
    throw error;
  }
}
