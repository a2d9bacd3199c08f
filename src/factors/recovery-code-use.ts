import type { Db } from '../database/database.ts';
import { recordEvent } from '../events/record.ts';
import { clientValues } from '../mail/client-values.ts';
import { enqueueMail } from '../mail/outbox.ts';
import { actingAs, type Scope } from '../scope.ts';
import type { User } from '../users/user.ts';

/** From this number of remaining codes on, the mail asks for new ones. */
const fewCodes = 2;

/**
 * Records the use of a recovery code, and mails the user: a code that another person found or copied is noticed at its
 * first use.
 */
export async function noteRecoveryCodeUse(db: Db, scope: Scope, { id, email }: User, codesLeft: number): Promise<void> {
  const left = String(codesLeft);
  await recordEvent(db, actingAs(scope, { id }), { type: 'RECOVERY_CODE_USED', userId: id, detail: left });
  const data = { ...clientValues(scope), left, few: codesLeft <= fewCodes ? 'yes' : '' };
  await enqueueMail(db, { name: 'recovery-code-used', recipient: email, userId: id, data }, scope.now);
}
