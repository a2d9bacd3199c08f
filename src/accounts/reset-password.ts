import type { Config, MailPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { TokenInvalidError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { keepAccount } from '../factors/changes/keep.ts';
import { enqueueMail, mails, mayBeMailed, voidLinks } from '../mail/outbox.ts';
import { withHashingSlot } from '../passwords/hashing-queue.ts';
import { hashPassword, requireAcceptablePassword } from '../passwords/password.ts';
import { actingAs, type Scope } from '../scope.ts';
import type { SessionRequest } from '../sessions/start.ts';
import { requireWorkOf, type WorkPolicies } from '../throttle/proof-of-work.ts';
import { quarterMs, requireRequestFrom } from '../throttle/requests.ts';
import { isTrustedDevice } from '../tokens/trusted-device.ts';
import { createUserToken, redeemUserToken } from '../tokens/user-token.ts';
import { type AccountChange, endRestoration } from '../users/account-changes.ts';
import { accountKeyOf } from '../users/email.ts';
import { findAndLockUser } from '../users/lock.ts';
import { findUserByEmail, noUserId, type User } from '../users/user.ts';
import { requireLink } from './follow-link.ts';
import type { SignInPolicies } from './prove-password.ts';
import { completeSignIn, type SignInResult } from './sign-in.ts';
import { claimAccount, endOldWaysIn, isUnproved } from './sign-ins/claim.ts';
import { mailPasswordChange } from './undo/notices.ts';

/**
 * Mails the user with this address a link to choose a new password, and voids older ones. Neither the answer nor its
 * time tells whether there is such a user: the statements are the same, and the worker drops a mail without a user.
 *
 * @param request.address - as it was written: users from another system may have the same one in different cases
 * @param request.proofOfWork - the solution of a challenge, or null
 * @throws RequestError after too many requests from one IP address, and for a request without the required work.
 */
export async function requestPasswordReset(
  database: Database,
  scope: Scope,
  { address, proofOfWork }: { address: string; proofOfWork: string | null },
  policies: WorkPolicies & Pick<Config, 'attempts'>,
): Promise<void> {
  const { now } = scope;
  const limit = { kind: 'password-resets', points: policies.attempts.perAddress, durationMs: quarterMs };
  const isTrusted = () => isTrustedDevice(database, scope, accountKeyOf(address));
  const work = { solution: proofOfWork, isTrusted };
  await requireRequestFrom(database, scope, limit, requireWorkOf(database, scope, work, policies));
  if (!(await mayBeMailed(database, 'reset-password', address, now))) return;
  const user = await findUserByEmail(database, address);
  const userId = user?.id ?? null;
  await inTransaction(database, (db) => mailResetLink(db, scope, { recipient: user?.email ?? address, userId }));
}

/** Mails a link to choose a new password, and voids older ones. @param mail.userId - null if there is no such user */
export async function mailResetLink(
  db: Db,
  scope: Scope,
  { recipient, userId }: { recipient: string; userId: bigint | null },
): Promise<void> {
  await voidLinks(db, userId ?? noUserId, ['RESET_PASSWORD']);
  await enqueueMail(db, { name: 'reset-password', recipient, userId }, scope.now);
  await recordEvent(db, scope, { type: 'PASSWORD_RESET_REQUESTED', userId, sessionHandle: null });
}

/**
 * Gives a user a new password by a link, ends all their sessions, and starts a new one, or asks for the second factor:
 * the link does not replace it. An account whose address nobody had proved is claimed: its factors are removed. Mails
 * the user.
 *
 * @throws TokenInvalidError, or RateLimitedError after too many invalid links from one IP address.
 * @throws ValidationError for a password that the policy refuses. The link stays valid then.
 */
export async function resetPassword(
  database: Database,
  scope: Scope,
  { token, newPassword, ...request }: SessionRequest & { token: string; newPassword: string },
  policies: SignInPolicies,
): Promise<SignInResult> {
  const { now } = scope;
  const { passwords, attempts } = policies;
  const { user: owner } = await requireLink(database, scope, { purpose: 'RESET_PASSWORD', token }, attempts);
  await requireAcceptablePassword(newPassword, owner, passwords, 'newPassword');
  const hashedPassword = await withHashingSlot(passwords, () => hashPassword(newPassword, passwords));
  return inTransaction(database, async (db) => {
    const { userId, sentTo } = await redeemUserToken(db, 'RESET_PASSWORD', token, now);
    const before = await findAndLockUser(db, userId ?? noUserId);
    if (before === null || before.email !== sentTo || before.suspendedAt !== null) throw new TokenInvalidError();
    const { user, change } = isUnproved(before)
      ? { user: await claimAccount(db, scope, before, hashedPassword), change: null }
      : await replacePassword(db, scope, before, hashedPassword);
    await mailPasswordChange(db, user, change, now);
    const proof = { methods: ['email'], at: now } as const;
    return completeSignIn(db, scope, { ...request, user, proof, type: 'PASSWORD_RESET' }, policies);
  });
}

/** Replaces the password of a locked user, whose factors stay. Keeps the state from before for an undo. */
async function replacePassword(
  db: Db,
  scope: Scope,
  before: User,
  hashedPassword: string,
): Promise<{ user: User; change: AccountChange | null }> {
  await endRestoration(db, before.id);
  const change = await keepAccount(db, before, 'PASSWORD_RESET', scope.now);
  const user = await db.user.update({ where: { id: before.id }, data: { hashedPassword } });
  // The link proves the user, even in a session of another user.
  await endOldWaysIn(db, actingAs(scope, user), user);
  return { user, change };
}

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
    const times = { createdAt: scope.now, expiresAt: new Date(scope.now.getTime() + lifetimeMs) };
    const token = await createUserToken(db, { purpose, userId: id, sentTo: email, data: null, ...times });
    await recordEvent(db, scope, { type: 'PASSWORD_RESET_REQUESTED', userId: id, sessionHandle: null });
    return `${appUrl.origin}/reset-password#token=${token}`;
  });
}
