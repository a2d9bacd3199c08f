import type { SessionPolicy } from '../config.ts';

/** A tenth of the idle timeout: how exactly the last use of a session is known, and how rarely a use is written. */
const renewalFraction = 10;

/**
 * When a session that started then and is used now ends by itself: by the idle timeout or by the absolute lifetime,
 * whichever comes first (OWASP ASVS 5.0, 7.3.1 and 7.3.2).
 */
export function expiryOf(startedAt: Date, now: Date, { idleTimeoutMs, lifetimeMs }: SessionPolicy): Date {
  return new Date(Math.min(now.getTime() + idleTimeoutMs, startedAt.getTime() + lifetimeMs));
}

/** Uses before this moment are old enough for a new one to be noted. */
export function renewalThreshold(now: Date, { idleTimeoutMs }: SessionPolicy): Date {
  return new Date(now.getTime() - idleTimeoutMs / renewalFraction);
}
