import type { Database } from '../../database/database.ts';
import { clientValues } from '../../mail/client-values.ts';
import { enqueueMail, mayBeMailed } from '../../mail/outbox.ts';
import { formatTime } from '../../mail/time.ts';
import type { Scope } from '../../scope.ts';
import type { Failures } from '../../throttle/attempts.ts';
import type { User } from '../../users/user.ts';

const name = 'failed-logins';

/** An account by its address, and its user. Null for an address without an account. */
export type TriedAccount = { address: string; user: User | null };

/**
 * Mails a user about failed attempts at the password, once they are so many that a cooldown starts (OWASP ASVS 5.0,
 * 6.3.5). Not again within a day: anyone can cause this mail. The statements are the same for an address without an
 * account, so that their time does not tell; that mail is dropped before it is sent.
 */
export async function mailFailedLogins(
  database: Database,
  scope: Scope,
  { address, user }: TriedAccount,
  { count, since }: Failures,
): Promise<void> {
  const { now } = scope;
  if (!(await mayBeMailed(database, name, address, now))) return;
  const data = { ...clientValues(scope), failures: String(count), since: formatTime(since) };
  const mail = { name, recipient: user?.email ?? address, userId: user?.id ?? null, data } as const;
  await enqueueMail(database, mail, now);
}
