import type { SessionPolicy } from '../config/config.ts';
import type { Session } from './session.ts';

/** A tenth of the idle timeout: how exactly the last use of a session is known, and how rarely a use is written. */
const renewalFraction = 10;

/**
 * When a session that started then and is used now ends by itself: by the idle timeout or by the absolute lifetime,
 * whichever comes first (OWASP ASVS 5.0, 7.3.1 and 7.3.2).
 */
export function expiryOf(startedAt: Date, now: Date, { idleTimeoutMs, lifetimeMs }: SessionPolicy): Date {
  return new Date(Math.min(now.getTime() + idleTimeoutMs, startedAt.getTime() + lifetimeMs));
}

/**
 * Returns when an anonymous session that has just started expires if it is not used again. Anybody can start one, so it
 * does not take up its place for as long as one that a visitor uses.
 */
export function unusedExpiryOf(startedAt: Date, policy: SessionPolicy): Date {
  return new Date(
    Math.min(startedAt.getTime() + policy.unusedTimeoutMs, expiryOf(startedAt, startedAt, policy).getTime()),
  );
}

/** A use sooner than this after the start belongs to what started the session. */
const firstUseMs = 60_000;

/** Returns whether a use is to be noted: once in a tenth of the idle timeout, and the first use of an anonymous session. */
export function isRenewalDue(session: Session, now: Date, policy: SessionPolicy): boolean {
  const lastSeenAt = session.lastSeenAt ?? session.createdAt;
  const unusedMs = now.getTime() - lastSeenAt.getTime();
  if (unusedMs >= policy.idleTimeoutMs / renewalFraction) return true;
  return isUnused(session, policy) && unusedMs >= firstUseMs;
}

/** Returns whether a session is an anonymous one whose expiry nobody has moved since it started. */
function isUnused({ userId, createdAt, expiresAt }: Session, policy: SessionPolicy): boolean {
  return userId === null && expiresAt.getTime() <= unusedExpiryOf(createdAt, policy).getTime();
}
