import { type Environment, integer } from '../variables.ts';

/** Rate limits of attempts. A network of /24 or /48 may make ten times as many as an address. */
export type AttemptPolicy = {
  /** Consecutive wrong passwords for one account. Each further one has to wait, longer each time. */
  perAccount: number;
  /** Wrong passwords and links from one address, or one IPv6 network of /64, per 15 minutes. */
  perAddress: number;
  /** Requests for accounts from one address, or one IPv6 network of /64, per hour. */
  signUpsPerAddress: number;
  /** Starts of anonymous sessions from one address, or one IPv6 network of /64, per hour. */
  anonymousSessionsPerAddress: number;
};

/** NIST SP 800-63B-4 section 3.2.2 allows 100 consecutive failures. Half of them are left to trusted devices. */
const maxAttempts = 50;

/** Reads the rate limits of attempts. @throws SettingError */
export function readAttemptPolicy(environment: Environment): AttemptPolicy {
  return {
    perAccount: integer(environment, 'LOGIN_ATTEMPTS', 10, { min: 1, max: maxAttempts }),
    perAddress: integer(environment, 'LOGIN_ATTEMPTS_PER_ADDRESS', 100, { min: 1, max: 1_000_000 }),
    signUpsPerAddress: integer(environment, 'SIGN_UPS_PER_ADDRESS', 100, { min: 1, max: 1_000_000 }),
    anonymousSessionsPerAddress: integer(environment, 'ANONYMOUS_SESSIONS_PER_ADDRESS', 300, {
      min: 1,
      max: 1_000_000,
    }),
  };
}
