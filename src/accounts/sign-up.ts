import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { EmailTakenError, TokenInvalidError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { enqueueMail, forgetSignUps, mayBeMailed } from '../mail/outbox.ts';
import { withHashingSlot } from '../passwords/hashing-queue.ts';
import { hashPassword, requirePassword, requireUnbreached } from '../passwords/password.ts';
import { actingAs, type Scope } from '../scope.ts';
import type { SessionRequest, StartedSession } from '../sessions/start.ts';
import { forgetFailures, withAttempt } from '../throttle/attempts.ts';
import { requireAttemptFrom } from '../throttle/requests.ts';
import { findUserToken, redeemUserToken } from '../tokens/user-token.ts';
import { accountKeyOf } from '../users/email.ts';
import { checkUser, createUser, defaultRole, findUserByEmail, type NewUser, type PreparedUser } from '../users/user.ts';
import type { Policies, SignInPolicies } from './prove-password.ts';
import { completeSignIn } from './sign-in.ts';

const hourMs = 3_600_000;

/**
 * Makes an account, signs its user in, and mails them a link to prove that the address is theirs.
 *
 * @throws ValidationError, EmailTakenError, RateLimitedError
 */
export async function signUp(
  database: Database,
  scope: Scope,
  { transport, visitor, ...input }: SessionRequest & NewUser,
  policies: SignInPolicies,
): Promise<StartedSession> {
  const prepared = await prepareInSlot(database, scope, input, policies);
  return inTransaction(database, async (db) => {
    const user = await createUser(db, prepared);
    // What was tried before anybody had the address.
    await forgetFailures(db, user.email);
    const proof = { methods: ['password'], at: scope.now } as const;
    const signIn = { user, proof, type: 'SIGNED_UP', transport, visitor } as const;
    const started = await completeSignIn(db, scope, signIn, policies.sessions);
    await enqueueMail(db, { name: 'verify-email', recipient: user.email, userId: user.id }, scope.now);
    return started;
  });
}

/**
 * Asks for an account without being told whether the address has one: the answer, its time, and what is written are
 * the same. Nothing exists before the link in the mail is followed, so that trying to log in tells nothing either. The
 * owner of an account that is there is told. Returns the address that mail goes to.
 *
 * @throws ValidationError, RateLimitedError
 */
export async function requestSignUp(
  database: Database,
  scope: Scope,
  input: NewUser,
  policies: Policies,
): Promise<string> {
  const { email, name, hashedPassword } = await prepareInSlot(database, scope, input, policies);
  if (!(await mayBeMailed(database, 'confirm-sign-up', email, scope.now))) return email;
  const owner = await findUserByEmail(database, email);
  const mail = owner
    ? ({ name: 'email-taken', userId: owner.id } as const)
    : ({ name: 'confirm-sign-up', userId: null, data: { hashedPassword, name: name ?? '' } } as const);
  await enqueueMail(database, { ...mail, recipient: email }, scope.now);
  return email;
}

/**
 * Makes the account that was asked for, and signs its user in. The password is asked for once more: the link proves
 * that the address is theirs, and the password that it was they who asked, and not somebody who would share the
 * account from then on.
 *
 * @throws TokenInvalidError, InvalidCredentialsError, RateLimitedError
 */
export async function confirmSignUp(
  database: Database,
  scope: Scope,
  { token, password, ...request }: SessionRequest & { token: string; password: string },
  { passwords, attempts, sessions }: SignInPolicies,
): Promise<StartedSession> {
  const { now } = scope;
  const found = await findUserToken(database, 'SIGN_UP', token, now);
  if (!found?.sentTo) throw new TokenInvalidError();
  const { hashedPassword, name } = JSON.parse(found.data ?? '{}') as { hashedPassword: string; name: string };
  const email = found.sentTo;
  const accountKey = accountKeyOf(email);
  return withHashingSlot(passwords, () =>
    withAttempt(database, scope, { accountKey, isTrustedDevice: false, policy: attempts }, async (succeed) => {
      await requirePassword(password, hashedPassword, passwords);
      return inTransaction(database, async (db) => {
        await redeemUserToken(db, 'SIGN_UP', token, now);
        await forgetSignUps(db, email);
        const user = await createConfirmed(db, { email, hashedPassword, name: name || null }, now);
        const proof = { methods: ['password', 'email'], at: now } as const;
        const started = await completeSignIn(db, scope, { ...request, user, proof, type: 'SIGNED_UP' }, sessions);
        const { handle } = started.session;
        await recordEvent(db, actingAs(scope, user), {
          type: 'EMAIL_VERIFIED',
          userId: user.id,
          sessionHandle: handle,
        });
        await succeed(db);
        return started;
      });
    }),
  );
}

/**
 * Who is to be written to the database, checked and hashed when it is their turn, unless too many came from there. Who
 * made a mistake does not count: that costs nothing, and others share the address.
 */
async function prepareInSlot(
  database: Database,
  scope: Scope,
  input: NewUser,
  { passwords, attempts }: Policies,
): Promise<PreparedUser> {
  const account = checkUser(input, passwords);
  const limit = { kind: 'sign-ups', points: attempts.signUpsPerAddress, durationMs: hourMs };
  await requireAttemptFrom(database, scope, limit);
  // Somebody else is asked, which holds nobody up here.
  await requireUnbreached(input.password, passwords, 'password');
  const hashedPassword = await withHashingSlot(passwords, () => hashPassword(input.password, passwords));
  return { ...account, hashedPassword };
}

/** Of two links for one address, the second one is worth nothing once the first was followed. */
async function createConfirmed(
  db: Db,
  user: { email: string; hashedPassword: string; name: string | null },
  now: Date,
) {
  try {
    return await createUser(db, { ...user, role: defaultRole, emailVerifiedAt: now });
  } catch (error) {
    throw error instanceof EmailTakenError ? new TokenInvalidError() : error;
  }
}
