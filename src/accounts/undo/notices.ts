import type { Db } from '../../database/database.ts';
import { factorValues, undoing } from '../../factors/changes/notices.ts';
import { enqueueMail } from '../../mail/outbox.ts';
import type { AccountChange } from '../../users/account-changes.ts';
import type { User } from '../../users/user.ts';

/** Mails the new address of a user to the old one, with a link to undo the change if it is kept. */
export async function mailOldAddress(
  db: Db,
  oldEmail: string,
  { user, change }: { user: User; change: AccountChange | null },
  now: Date,
): Promise<void> {
  const data = { newEmail: user.email, ...undoing(change) };
  await enqueueMail(db, { name: 'email-changed', recipient: oldEmail, userId: user.id, data }, now);
}

/**
 * Mails a user that the password was changed, with a link to undo the change if it is kept. The mail names the other
 * factors: a new password does not end those that a thief has added.
 */
export async function mailPasswordChange(db: Db, user: User, change: AccountChange | null, now: Date): Promise<void> {
  const data = { ...undoing(change), ...(await factorValues(db, user)) };
  await enqueueMail(db, { name: 'password-changed', recipient: user.email, userId: user.id, data }, now);
}
