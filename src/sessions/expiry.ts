import type { SessionPolicy } from '../config/config.ts';
import type { Session } from './session.ts';

/** A tenth of the idle timeout: the precision of `lastSeenAt`, and the minimum interval between two writes of it. */
const renewalFraction = 10;

/** The columns that decide the absolute lifetime of a session. */
type Lifetime = Pick<Session, 'createdAt' | 'lifetimeEndsAt'>;

/** Returns `lifetimeEndsAt` for a session that starts now. Null if the browser remembers the session. */
export function lifetimeEndsAtOf(isRemembered: boolean, now: Date, policy: SessionPolicy): Date | null {
  const { lifetimeMs, unrememberedLifetimeMs } = policy;
  return isRemembered ? null : new Date(now.getTime() + Math.min(lifetimeMs, unrememberedLifetimeMs));
}

/** Returns the end of the absolute lifetime of a session. */
export function lifetimeEndOf({ createdAt, lifetimeEndsAt }: Lifetime, { lifetimeMs }: SessionPolicy): Date {
  return lifetimeEndsAt ?? new Date(createdAt.getTime() + lifetimeMs);
}

/**
 * Returns the expiry of a session that is used now: the end of the idle timeout or of the absolute lifetime, whichever
 * comes first (OWASP ASVS 5.0, 7.3.1 and 7.3.2).
 */
export function expiryOf(lifetime: Lifetime, now: Date, policy: SessionPolicy): Date {
  return new Date(Math.min(now.getTime() + policy.idleTimeoutMs, lifetimeEndOf(lifetime, policy).getTime()));
}

/**
 * Returns the time until which a browser must keep the token of a session: the end of its absolute lifetime. Renewals
 * never move it. A session from before a stricter policy, or of another system, may live longer; then it is `expiresAt`.
 * Null for a session that ends with the browser.
 */
export function tokenExpiryOf(session: Session, policy: SessionPolicy): Date | null {
  if (session.lifetimeEndsAt !== null) return null;
  return new Date(Math.max(lifetimeEndOf(session, policy).getTime(), session.expiresAt.getTime()));
}

/**
 * Returns the expiry of an anonymous session until its first use after the start. It is shorter than that of a used
 * session, because anyone can start one, and each takes up space.
 */
export function unusedExpiryOf(startedAt: Date, policy: SessionPolicy): Date {
  const usedExpiry = expiryOf({ createdAt: startedAt, lifetimeEndsAt: null }, startedAt, policy);
  return new Date(Math.min(startedAt.getTime() + policy.unusedTimeoutMs, usedExpiry.getTime()));
}

/**
 * Returns the reason for the end of a session that has expired: the lifetime if it expired at its end or later, else the
 * idle timeout.
 */
export function expiryReasonOf(session: Session, policy: SessionPolicy): 'LIFETIME' | 'IDLE_TIMEOUT' {
  return session.expiresAt >= lifetimeEndOf(session, policy) ? 'LIFETIME' : 'IDLE_TIMEOUT';
}

/** A use that is sooner after the start is part of the start. */
const firstUseMs = 60_000;

/**
 * Returns whether to write the use of a session: once per tenth of the idle timeout, and at the first use of an
 * anonymous session.
 */
export function isRenewalDue(session: Session, now: Date, policy: SessionPolicy): boolean {
  const lastSeenAt = session.lastSeenAt ?? session.createdAt;
  const unusedMs = now.getTime() - lastSeenAt.getTime();
  if (unusedMs >= policy.idleTimeoutMs / renewalFraction) return true;
  return isUnused(session, policy) && unusedMs >= firstUseMs;
}

/** Returns whether a session is anonymous and its expiry has not moved since it started. */
function isUnused({ userId, createdAt, expiresAt }: Session, policy: SessionPolicy): boolean {
  return userId === null && expiresAt.getTime() <= unusedExpiryOf(createdAt, policy).getTime();
}
