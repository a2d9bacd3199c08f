import type { Db } from '../../database/database.ts';
import { undoing } from '../../factors/changes/notices.ts';
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

/** Mails a user that the password was changed, with a link to undo the change if it is kept. */
export async function mailPasswordChange(
  db: Db,
  { id, email }: User,
  change: AccountChange | null,
  now: Date,
): Promise<void> {
  await enqueueMail(db, { name: 'password-changed', recipient: email, userId: id, data: undoing(change) }, now);
}
