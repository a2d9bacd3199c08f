import type { AttemptPolicy } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { recordEvent } from '../../events/record.ts';
import { parseObject } from '../../json.ts';
import { actingAs, type Scope } from '../../scope.ts';
import { endSessions, sessionWithHandle } from '../../sessions/end.ts';
import type { Session } from '../../sessions/session.ts';
import { voidChallenges } from '../../tokens/challenge.ts';
import { endSkips, revokeTrust } from '../../tokens/trusted-device.ts';
import { redeemUserToken } from '../../tokens/user-token.ts';
import { findAndLockUser } from '../../users/lock.ts';
import { requireLink } from '../follow-link.ts';
import { mailResetLink } from '../reset-password.ts';

const purpose = 'DISOWN_SESSION';

export type Disowned = {
  /** The session, if it was live. */
  session: Session | null;
  /** The address to which a link to choose a new password is mailed. Null if the address of the account has changed. */
  email: string | null;
};

/**
 * Ends the session that the link in a mail about a new device is for, revokes the trust of its device, makes all others
 * ask for the second factor again, voids all authentications that have begun, and mails a link to choose a new password.
 *
 * The link needs no password: a thief may have changed it. It proves that its holder had the mail, up to a week ago.
 * So it is no link to choose a password: that proves access to the mailbox within an hour. People forward this mail to
 * ask what it is. Its new reader can end one session, and no more.
 *
 * @throws TokenInvalidError, or RateLimitedError after too many invalid links from one IP address.
 */
export async function disownSession(
  database: Database,
  scope: Scope,
  token: string,
  attempts: AttemptPolicy,
): Promise<Disowned> {
  const { user } = await requireLink(database, scope, { purpose, token }, attempts);
  const byUser = actingAs(scope, user);
  const userId = user.id;
  return inTransaction(database, async (db) => {
    const { data, sentTo, user: current } = await redeemUserToken(db, purpose, token, scope.now);
    const { sessionHandle, deviceHandle } = handlesIn(data);
    // A sign-in that skips the second factor comes before or after this, and not in its middle.
    await findAndLockUser(db, userId);
    const [session = null] = await endSessions(db, byUser, sessionWithHandle(sessionHandle, userId), 'DISOWNED');
    if (await revokeTrust(db, userId, deviceHandle)) {
      await recordEvent(db, byUser, { type: 'DEVICE_FORGOTTEN', userId, sessionHandle, detail: 'DISOWNED' });
    }
    // The thief may have begun another sign-in, or the addition of a factor.
    await voidChallenges(db, userId);
    // The thief may have told another device to skip the second factor.
    await endSkips(db, userId, scope.now);
    // A link to choose a password is only for the address that the account has, which may be that of a thief by now.
    if (current?.email !== sentTo) return { session, email: null };
    // Without a limit of its own: there is one such link for each mail about a new device, and these have one.
    await mailResetLink(db, scope, { recipient: sentTo, userId });
    return { session, email: sentTo };
  });
}

function handlesIn(data: string | null): { sessionHandle: string; deviceHandle: string } {
  const { sessionHandle, deviceHandle } = (data && parseObject(data)) || {};
  return { sessionHandle: String(sessionHandle), deviceHandle: String(deviceHandle) };
}
