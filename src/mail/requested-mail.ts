import type { Db } from '../database/database.ts';
import { countOnce } from '../throttle/rate-limit.ts';
import { limitOf, type MailName } from './outbox.ts';

/**
 * Counts a requested mail, and returns whether it is within the limit. The statement is the same for both, so that its
 * time does not tell whether others have asked for mails to the address. Requests from a trusted device of the address
 * have a limit of their own, which strangers cannot use up.
 */
export async function countRequestedMail(
  db: Db,
  kind: MailName,
  { email, isTrustedDevice }: { email: string; isTrustedDevice: boolean },
  now: Date,
): Promise<boolean> {
  const { key, points, durationMs } = limitOf(kind, email);
  const counted = {
    key: isTrustedDevice ? `${key}:trusted-device` : key,
    points: Number.POSITIVE_INFINITY,
    durationMs,
  };
  const [count = 0] = await countOnce(db, [counted], now);
  return count <= points;
}
