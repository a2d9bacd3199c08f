import type { Database } from '../../database/database.ts';
import { AccountSuspendedError, InvalidCredentialsError } from '../../errors.ts';
import { type AuditEventType, recordEvent } from '../../events/record.ts';
import type { FactorAnswer } from '../../factors/answers.ts';
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
  const isSignedIn = account.user !== null && account.user.id === scope.session?.user?.id;
  const values = { session: isSignedIn ? 'yes' : '' };
  return mailFailures(database, scope, { ...account, name: 'failed-logins', values }, failures);
}

/**
 * Records a sign-in that failed by a wrong password or code, or that was refused to a suspended user. Other errors say
 * nothing about the account.
 *
 * @param userId - null for an address without an account
 */
export async function recordFailedLogin(
  database: Database,
  scope: Scope,
  error: unknown,
  userId: bigint | null,
): Promise<void> {
  const record = (type: AuditEventType) => recordEvent(database, scope, { type, userId, sessionHandle: null });
  if (error instanceof InvalidCredentialsError) await record('LOGIN_FAILED');
  if (error instanceof AccountSuspendedError) await record('LOGIN_REFUSED');
}

/** What a person had, who then gave a wrong factor beside the password: the first factor of a sign-in, or a session. */
export type GivenBefore = 'password' | 'mail' | 'session';

export type TriedFactor = { user: User; before: GivenBefore; answer: FactorAnswer };

/**
 * Mails a user about failed attempts at a factor beside the password, in the same way: another person may have what was
 * given before. The mail names the kind of the last answer, as the count has all kinds.
 */
export function mailSecondFactorFailures(
  database: Database,
  scope: Scope,
  { user, before, answer }: TriedFactor,
  failures: Failures,
): Promise<void> {
  const values = { [before]: 'yes', [kindOf(answer)]: 'yes' };
  const mail = { address: user.email, user, name: 'second-factor-failures', values } as const;
  return mailFailures(database, scope, mail, failures);
}

/** Returns the section of the template for a kind of answer. */
function kindOf(answer: FactorAnswer): 'isApp' | 'isRecoveryCode' | 'isPasskey' {
  if ('passkey' in answer) return 'isPasskey';
  return 'recoveryCode' in answer ? 'isRecoveryCode' : 'isApp';
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
