import { duration, type Environment, integer } from '../variables.ts';

/** The lifetimes of sessions, and the limit on their number. */
export type SessionPolicy = {
  /** The lifetime of a session from its last use. The expiry slides in steps of a tenth. */
  idleTimeoutMs: number;
  /** The lifetime of a session from its start, regardless of its use. */
  lifetimeMs: number;
  /** The same for a session that ends with the browser, if it is shorter. */
  unrememberedLifetimeMs: number;
  /** The maximum number of live sessions of a user. */
  maxPerUser: number;
  /** The lifetime of an anonymous session that is not used again after its start. */
  unusedTimeoutMs: number;
};

/** Reads the lifetimes of sessions, and the limit on their number. @throws SettingError */
export function readSessionPolicy(environment: Environment): SessionPolicy {
  return {
    idleTimeoutMs: duration(environment, 'SESSION_IDLE_TIMEOUT', '7d'),
    lifetimeMs: duration(environment, 'SESSION_LIFETIME', '30d'),
    unrememberedLifetimeMs: duration(environment, 'UNREMEMBERED_SESSION_LIFETIME', '12h'),
    maxPerUser: integer(environment, 'SESSIONS_PER_USER', 20, { min: 1, max: 1_000 }),
    unusedTimeoutMs: duration(environment, 'UNUSED_SESSION_TIMEOUT', '2h'),
  };
}
