/** The proof that an undo needs beside its link, so that a mailbox alone takes no account with a second factor over. */
import type { Config } from '../../config/config.ts';
import type { Database, Db } from '../../database/database.ts';
import { InvalidCredentialsError } from '../../errors.ts';
import { areSameFactors, factorsOf, parseFactors } from '../../factors/changes/kept-factors.ts';
import { listSecondFactors } from '../../factors/second-factors.ts';
import { withHashingSlot } from '../../passwords/hashing-queue.ts';
import { requirePassword } from '../../passwords/password.ts';
import type { Scope } from '../../scope.ts';
import { needsSecondFactor } from '../../sessions/assurance/second-factor.ts';
import { withAttempt } from '../../throttle/attempts.ts';
import type { AccountChange } from '../../users/account-changes.ts';
import type { User } from '../../users/user.ts';

export type UndoPolicies = Pick<Config, 'passwords' | 'attempts' | 'secondFactor'>;

/**
 * Verifies the password from before a change, and returns its hash. Null if it is not kept: then no password is right.
 *
 * Wrong ones are counted for the link, and not for the account: failed logins of a thief must not hinder the undo.
 *
 * @throws InvalidCredentialsError for a wrong password.
 * @throws RateLimitedError after too many wrong ones.
 */
export async function provePasswordBefore(
  database: Database,
  scope: Scope,
  { kept, password }: { kept: AccountChange; password: string },
  { passwords, attempts }: UndoPolicies,
): Promise<string | null> {
  const { hashedPassword } = kept;
  if (hashedPassword === null) return null;
  const attempt = { accountKey: `undo ${kept.id}`, isTrustedDevice: true, policy: attempts };
  await withHashingSlot(passwords, () =>
    withAttempt(database, scope, attempt, () => requirePassword(password, hashedPassword, passwords)),
  );
  return hashedPassword;
}

/**
 * Requires the password from before the change, if the account has a second factor that it needs, and the undo changes
 * the factors.
 *
 * Without it, a thief who reads the mailbox could undo the addition of a second factor, which its owner added against
 * this very thief, and then set a password by mail. A mailbox gives a new password, but not the one from before. The
 * victim of a takeover knows that one. Without such a second factor, the mailbox alone opens the account anyway.
 *
 * @throws InvalidCredentialsError
 */
export async function requireProofOfUndo(
  db: Db,
  { current, change, proven }: { current: User; change: AccountChange; proven: string | null },
  { secondFactor }: UndoPolicies,
): Promise<void> {
  const before = parseFactors(change.factors);
  if (before === null || areSameFactors(before, await factorsOf(db, current))) return;
  const isProtected = needsSecondFactor(current, secondFactor) && (await listSecondFactors(db, current.id)).length > 0;
  if (!isProtected || (proven !== null && proven === change.hashedPassword)) return;
  throw new InvalidCredentialsError(
    'The undo would change the second factors of the account. Give the password from before the change (`password`), or ' +
      'keep the factors (`keepFactors: true`).',
  );
}
