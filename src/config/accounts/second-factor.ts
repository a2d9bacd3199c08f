import { SettingError } from '../../errors.ts';
import { duration, type Environment, invalid, list, text } from '../variables.ts';
import type { Assurance } from './assurance.ts';

/** The accounts whose sign-ins need a second factor, beside those of users who chose so. */
export type SecondFactorPolicy = {
  /** The roles that need a second factor. `all` for every role. */
  requiredRoles: ReadonlySet<string> | 'all';
  /**
   * True if users may have a device skip the second factor. False at level 2: a cookie is no factor (NIST SP 800-63B-4
   * sections 3.2.1 and 5.1).
   */
  allowsTrustedDevices: boolean;
};

/**
 * Reads the roles that need a second factor. `*` stands for every role.
 *
 * @throws SettingError for roles without encryption keys.
 */
export function readSecondFactorPolicy(
  environment: Environment,
  assurance: Assurance,
  hasEncryptionKeys: boolean,
): SecondFactorPolicy {
  const roles = new Set(list(environment, 'REQUIRE_SECOND_FACTOR'));
  // At level 2, `requireAssurance` tells it, by the setting that the operator has set.
  if (roles.size > 0 && assurance === 1 && !hasEncryptionKeys) {
    throw new SettingError(
      'REQUIRE_SECOND_FACTOR',
      'REQUIRE_SECOND_FACTOR is set, but ENCRYPTION_KEYS is not: the secrets of authenticator apps are stored ' +
        'encrypted. `create-encryption-key` makes a key.',
      'ENCRYPTION_KEYS',
    );
  }
  return { requiredRoles: roles.has('*') ? 'all' : roles, allowsTrustedDevices: assurance === 1 };
}

const hourMs = 3_600_000;

/** Reads the time from the request of a reset of factors until it takes effect. Its user needs time to read the mail. */
export function readFactorResetDelay(environment: Environment): number {
  const delayMs = duration(environment, 'FACTOR_RESET_DELAY', '24h');
  if (delayMs >= hourMs) return delayMs;
  const value = text(environment, 'FACTOR_RESET_DELAY', '24h');
  throw invalid('FACTOR_RESET_DELAY', value, 'must be at least 1h, so that the user can refuse the reset');
}
