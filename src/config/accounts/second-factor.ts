import { duration, type Environment, invalid, list, text } from '../variables.ts';

/** The accounts whose sign-ins need a second factor, beside those of users who chose so. */
export type SecondFactorPolicy = {
  /** The roles that need a second factor. `all` for every role. */
  requiredRoles: ReadonlySet<string> | 'all';
};

/** Reads the roles that need a second factor. `*` stands for every role. */
export function readSecondFactorPolicy(environment: Environment): SecondFactorPolicy {
  const roles = new Set(list(environment, 'REQUIRE_SECOND_FACTOR'));
  return { requiredRoles: roles.has('*') ? 'all' : roles };
}

const hourMs = 3_600_000;

/** Reads the time from the request of a reset of factors until it takes effect. Its user needs time to read the mail. */
export function readFactorResetDelay(environment: Environment): number {
  const delayMs = duration(environment, 'FACTOR_RESET_DELAY', '24h');
  if (delayMs >= hourMs) return delayMs;
  const value = text(environment, 'FACTOR_RESET_DELAY', '24h');
  throw invalid('FACTOR_RESET_DELAY', value, 'must be at least 1h, so that the user can refuse the reset');
}
