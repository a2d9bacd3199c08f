import type { MailPolicy } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { recordEvent } from '../events/record.ts';
import { mails, voidLinks } from '../mail/outbox.ts';
import type { Scope } from '../scope.ts';
import { createUserToken } from '../tokens/user-token.ts';
import type { User } from '../users/user.ts';

/**
 * Returns a link with which a user can choose a new password, for a user who receives no mail. It is valid once, and as
 * long as a mailed one. Earlier links become void.
 */
export function issueResetLink(
  database: Database,
  scope: Scope,
  { id, email }: User,
  { appUrl }: Pick<MailPolicy, 'appUrl'>,
): Promise<string> {
  const { lifetimeMs, purpose } = mails['reset-password'];
  return inTransaction(database, async (db) => {
    await voidLinks(db, id, [purpose]);
    const expiresAt = new Date(scope.now.getTime() + lifetimeMs);
    const token = await createUserToken(db, { purpose, userId: id, sentTo: email, data: null, expiresAt });
    await recordEvent(db, scope, { type: 'PASSWORD_RESET_REQUESTED', userId: id, sessionHandle: null });
    return `${appUrl.origin}/reset-password#token=${token}`;
  });
}
