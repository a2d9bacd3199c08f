import type { Database } from '../../database/database.ts';
import { clientValues } from '../../mail/client-values.ts';
import { enqueueMail, type MailData, type MailName, mayBeMailed } from '../../mail/outbox.ts';
import { formatTime } from '../../mail/time.ts';
import type { Scope } from '../../scope.ts';
import type { Failures } from '../../throttle/attempts.ts';
import type { User } from '../../users/user.ts';

/** An account by its address, and its user. Null for an address without an account. */
export type TriedAccount = { address: string; user: User | null };

/**
 * Mails a user about failed attempts at the password, once they are so many that a cooldown starts (OWASP ASVS 5.0,
 * 6.3.5). Not again within a day: anyone can cause this mail. The statements are the same for an address without an
 * account, so that their time does not tell; that mail is dropped before it is sent.
 */
export function mailFailedLogins(
  database: Database,
  scope: Scope,
  account: TriedAccount,
  failures: Failures,
): Promise<void> {
  return mailFailures(database, scope, { ...account, name: 'failed-logins' }, failures);
}

/**
 * Mails a user about failed attempts at the second factor, in the same way: another person has the first one.
 *
 * @param given.isPassword - whether the first factor was the password, and not a mailed link
 */
export function mailSecondFactorFailures(
  database: Database,
  scope: Scope,
  { user, isPassword }: { user: User; isPassword: boolean },
  failures: Failures,
): Promise<void> {
  const values = { password: isPassword ? 'yes' : '' };
  const mail = { address: user.email, user, name: 'second-factor-failures', values } as const;
  return mailFailures(database, scope, mail, failures);
}

async function mailFailures(
  database: Database,
  scope: Scope,
  { address, user, name, values }: TriedAccount & { name: MailName; values?: MailData },
  { count, since }: Failures,
): Promise<void> {
  const { now } = scope;
  if (!(await mayBeMailed(database, name, address, now))) return;
  const data = { ...clientValues(scope), ...values, failures: String(count), since: formatTime(since) };
  const mail = { name, recipient: user?.email ?? address, userId: user?.id ?? null, data } as const;
  await enqueueMail(database, mail, now);
}
