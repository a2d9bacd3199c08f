import { SettingError } from '../../errors.ts';
import { type Environment, flag } from '../variables.ts';

/** Sign-in by a mailed link or code. */
export type EmailSignInPolicy = {
  /** Whether an address without an account gets a mail that creates one. */
  createsAccounts: boolean;
};

/**
 * Reads `EMAIL_SIGN_IN` and `EMAIL_SIGN_UP`. Null if sign-in by email is off. It is off by default, because a new way
 * into all accounts is the decision of an operator: OWASP ASVS 5.0 (6.3.6) does not allow this one at level 3.
 *
 * @throws SettingError for sign-in without encryption keys, and for sign-up without sign-in.
 */
export function readEmailSignInPolicy(environment: Environment, hasEncryptionKeys: boolean): EmailSignInPolicy | null {
  const isOn = flag(environment, 'EMAIL_SIGN_IN', false);
  const createsAccounts = flag(environment, 'EMAIL_SIGN_UP', false);
  if (createsAccounts && !isOn) {
    throw new SettingError(
      'EMAIL_SIGN_UP',
      'EMAIL_SIGN_UP is true, but EMAIL_SIGN_IN is not: sign-up by email is a part of sign-in by email. Set both.',
      'EMAIL_SIGN_IN',
    );
  }
  if (isOn && !hasEncryptionKeys) {
    throw new SettingError(
      'EMAIL_SIGN_IN',
      'EMAIL_SIGN_IN is true, but ENCRYPTION_KEYS is not set: the mailed codes are stored encrypted. ' +
        '`create-encryption-key` makes a key.',
      'ENCRYPTION_KEYS',
    );
  }
  return isOn ? { createsAccounts } : null;
}
