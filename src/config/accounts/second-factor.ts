import { SettingError } from '../../errors.ts';
import { type Environment, list } from '../variables.ts';

/** The accounts whose sign-ins need a second factor, beside those of users who chose so. */
export type SecondFactorPolicy = {
  /** The roles that need a second factor. `all` for every role. */
  requiredRoles: ReadonlySet<string> | 'all';
};

/**
 * Reads the roles that need a second factor. `*` stands for every role.
 *
 * @throws SettingError for roles without encryption keys.
 */
export function readSecondFactorPolicy(environment: Environment, hasEncryptionKeys: boolean): SecondFactorPolicy {
  const roles = new Set(list(environment, 'REQUIRE_SECOND_FACTOR'));
  if (roles.size > 0 && !hasEncryptionKeys) {
    throw new SettingError(
      'REQUIRE_SECOND_FACTOR',
      'REQUIRE_SECOND_FACTOR is set, but ENCRYPTION_KEYS is not: the secrets of authenticator apps are stored ' +
        'encrypted. `create-encryption-key` makes a key.',
      'ENCRYPTION_KEYS',
    );
  }
  return { requiredRoles: roles.has('*') ? 'all' : roles };
}
