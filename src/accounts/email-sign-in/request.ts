import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { inTransaction } from '../../database/transaction.ts';
import { clientValues } from '../../mail/client-values.ts';
import { enqueueMail, type NewMail } from '../../mail/outbox.ts';
import { countRequestedMail } from '../../mail/requested-mail.ts';
import type { Scope, Transport } from '../../scope.ts';
import { quarterMs, requireRequestFrom } from '../../throttle/requests.ts';
import { type CreatedChallenge, createChallenge } from '../../tokens/challenge.ts';
import { handleOf } from '../../tokens/token.ts';
import { isTrustedDevice } from '../../tokens/trusted-device.ts';
import { accountKeyOf } from '../../users/email.ts';
import { findUserByEmail, type User } from '../../users/user.ts';
import { isUnproved } from '../sign-ins/claim.ts';
import { formatRequest, lifetimeMs, purpose, requireEmailSignIn } from './email-sign-in.ts';

/**
 * Mails a link and a code to sign in, and returns the challenge that the code answers.
 *
 * The result, the statements and the time are the same for every address: with an account, without one, of a suspended
 * user, and beyond the limit of mails. There is a challenge in each case. The worker drops a mail without a user.
 *
 * @param input.address - as it was written: users from another system may have the same address in different cases
 * @throws RequestError on a server without sign-in by email, and after too many requests from one IP address.
 */
export async function requestEmailSignIn(
  database: Database,
  scope: Scope,
  { address, transport }: { address: string; transport: Transport },
  policies: Pick<Config, 'attempts' | 'emailSignIn' | 'encryptionKeys'>,
): Promise<CreatedChallenge> {
  const { createsAccounts } = requireEmailSignIn(policies);
  const { now } = scope;
  const limit = { kind: 'email-sign-ins', points: policies.attempts.perAddress, durationMs: quarterMs };
  await requireRequestFrom(database, scope, limit);
  const isTrusted = await isTrustedDevice(database, scope, accountKeyOf(address));
  const user = await findUserByEmail(database, address);
  const userId = user?.id ?? null;
  const recipient = user?.email ?? address;
  return inTransaction(database, async (db) => {
    const isAllowed = await countRequestedMail(db, 'sign-in', { email: recipient, isTrustedDevice: isTrusted }, now);
    const data = formatRequest({ email: recipient, transport, user });
    const created = await createChallenge(db, scope, { purpose, userId, lifetimeMs, data, transport });
    const kind = isAllowed ? mailFor(user, createsAccounts) : dropped;
    const values = { ...clientValues(scope), isUnproved: user && isUnproved(user) ? 'yes' : '' };
    const mailData = { ...values, challenge: handleOf(created.challenge) ?? '' };
    await enqueueMail(db, { ...kind, recipient, data: mailData }, now);
    return created;
  });
}

type Kind = Pick<NewMail, 'name' | 'userId'>;

/** Without a user, no mail of this kind is sent. It waits for a moment in the outbox, so that the statements are equal. */
const dropped: Kind = { name: 'sign-in', userId: null };

function mailFor(user: User | null, createsAccounts: boolean): Kind {
  if (user !== null) return { name: 'sign-in', userId: user.id };
  return createsAccounts ? { name: 'sign-up-by-email', userId: null } : dropped;
}
