import { type Environment, list } from '../variables.ts';

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
