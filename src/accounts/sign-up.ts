import type { Config } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { EmailTakenError, TokenInvalidError, UsernameTakenError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { deleteSignUps, enqueueMail, mayBeMailed } from '../mail/outbox.ts';
import { countRequestedMail } from '../mail/requested-mail.ts';
import { withHashingSlot } from '../passwords/hashing-queue.ts';
import { hashPassword, requirePassword, requireUnbreached } from '../passwords/password.ts';
import { actingAs, type Scope } from '../scope.ts';
import type { SessionRequest } from '../sessions/start.ts';
import { resetFailures, withAttempt } from '../throttle/attempts.ts';
import { requireWorkOf, type WorkPolicies } from '../throttle/proof-of-work.ts';
import { requireAttemptFrom } from '../throttle/requests.ts';
import { findUserToken, redeemUserToken } from '../tokens/user-token.ts';
import { requireUnreserved } from '../users/account-changes.ts';
import { claimUsername, requireFreeUsername } from '../users/claim-username.ts';
import { accountKeyOf } from '../users/email.ts';
import { checkUser, createUser, defaultRole, findUserByEmail, type NewUser, type PreparedUser } from '../users/user.ts';
import { readUsername, type Username } from '../users/username.ts';
import { allowUsername } from './profile/change-username.ts';
import type { Policies, SignInPolicies } from './prove-password.ts';
import { completeSignIn, isPending, type SignInResult } from './sign-in.ts';

const hourMs = 3_600_000;

export type SignUpInput = NewUser & {
  username?: string | null | undefined;
  /** The solution of a challenge. Null if the request brings none. */
  proofOfWork?: string | null | undefined;
};

type SignUpPolicies = Policies & WorkPolicies & Pick<Config, 'usernames'>;

/** A user to create, with the username if they have chosen one. */
type Prepared = PreparedUser & { username: Username | null };

/**
 * Creates an account, signs its user in, and mails a link to prove the address, unless its mailbox got several within an
 * hour.
 *
 * @throws ValidationError, EmailTakenError, UsernameTakenError, RateLimitedError, ProofOfWorkRequiredError
 */
export async function signUp(
  database: Database,
  scope: Scope,
  { transport, isRemembered, visitor, ...input }: SessionRequest & SignUpInput,
  policies: SignInPolicies & SignUpPolicies,
): Promise<SignInResult> {
  const { username, ...prepared } = await prepareInSlot(database, scope, input, policies);
  return inTransaction(database, async (db) => {
    const created = await createUser(db, prepared);
    await requireUnreserved(db, created.email, created.id, scope.now);
    const rules = { policy: policies.usernames, now: scope.now };
    const user = username === null ? created : await claimUsername(db, created, username, rules);
    // Deletes the counts of attempts from before the address had an account.
    await resetFailures(db, user.email);
    const proof = { methods: ['password'], at: scope.now } as const;
    const signIn = { user, proof, type: 'SIGNED_UP', transport, isRemembered, visitor } as const;
    const started = await completeSignIn(db, scope, signIn, policies);
    // The account is deleted and created again at will: without a limit, that would flood the mailbox of another person.
    if (await countRequestedMail(db, 'verify-email', { email: user.email, isTrustedDevice: false }, scope.now)) {
      await enqueueMail(db, { name: 'verify-email', recipient: user.email, userId: user.id }, scope.now);
    }
    return started;
  });
}

/**
 * Requests an account without telling whether the address has one: the answer, its time and the writes are the same.
 * The account does not exist before the link in the mail is followed, so that a login tells nothing either. Mails the
 * owner of an existing account. Returns the address that is mailed.
 *
 * @throws ValidationError, UsernameTakenError, RateLimitedError, ProofOfWorkRequiredError alike for every address
 */
export async function requestSignUp(
  database: Database,
  scope: Scope,
  input: SignUpInput,
  policies: SignUpPolicies,
): Promise<string> {
  const { email, name, username, hashedPassword } = await prepareInSlot(database, scope, input, policies);
  if (!(await mayBeMailed(database, 'confirm-sign-up', email, scope.now))) return email;
  const owner = await findUserByEmail(database, email);
  const data = { hashedPassword, name: name ?? '', username: username?.name ?? '' };
  const mail = owner
    ? ({ name: 'email-taken', userId: owner.id } as const)
    : ({ name: 'confirm-sign-up', userId: null, data } as const);
  await enqueueMail(database, { ...mail, recipient: email }, scope.now);
  return email;
}

/**
 * Creates the requested account, and signs its user in. Requires the password once more: the link proves the address,
 * and the password proves that the same person requested the account, and not an attacker who would share it from then
 * on. Without the requested username if it is taken by now.
 *
 * @throws TokenInvalidError, InvalidCredentialsError, RateLimitedError
 */
export async function confirmSignUp(
  database: Database,
  scope: Scope,
  { token, password, ...request }: SessionRequest & { token: string; password: string },
  policies: SignInPolicies & Pick<Config, 'usernames'>,
): Promise<SignInResult> {
  const { now } = scope;
  const { passwords, attempts, usernames } = policies;
  const found = await findUserToken(database, 'SIGN_UP', token, now);
  if (!found?.sentTo) throw new TokenInvalidError();
  const { hashedPassword, name, username = '' } = JSON.parse(found.data ?? '{}') as RequestedSignUp;
  const email = found.sentTo;
  const accountKey = accountKeyOf(email);
  return withHashingSlot(passwords, () =>
    withAttempt(database, scope, { accountKey, isTrustedDevice: false, policy: attempts }, async (succeed) => {
      await requirePassword(password, hashedPassword, passwords);
      const create = (wanted: Username | null) =>
        inTransaction(database, async (db) => {
          await redeemUserToken(db, 'SIGN_UP', token, now);
          await deleteSignUps(db, email);
          const created = await createConfirmed(db, { email, hashedPassword, name: name || null }, now);
          const rules = { policy: usernames, now };
          const user = wanted === null ? created : await claimUsername(db, created, wanted, rules);
          const proof = { methods: ['password', 'email'], at: now } as const;
          const started = await completeSignIn(db, scope, { ...request, user, proof, type: 'SIGNED_UP' }, policies);
          const handle = isPending(started) ? null : started.session.handle;
          await recordEvent(db, actingAs(scope, user), {
            type: 'EMAIL_VERIFIED',
            userId: user.id,
            sessionHandle: handle,
          });
          await succeed(db);
          return started;
        });
      try {
        return await create(usernames.isEnabled ? readUsername(username) : null);
      } catch (error) {
        if (error instanceof UsernameTakenError) return create(null);
        throw error;
      }
    }),
  );
}

/** The data of a link that confirms a sign-up. One of an earlier version of this server has no username. */
type RequestedSignUp = { hashedPassword: string; name: string; username?: string };

/**
 * Checks a new user, limits sign-ups per IP address, and hashes the password in its turn. Invalid input does not count:
 * it costs nothing, and others share the address.
 */
async function prepareInSlot(
  database: Database,
  scope: Scope,
  { proofOfWork, username: text, ...input }: SignUpInput,
  policies: SignUpPolicies,
): Promise<Prepared> {
  const { passwords, attempts, usernames } = policies;
  const account = checkUser(input, passwords);
  const username = allowUsername(text, usernames);
  const limit = { kind: 'sign-ups', points: attempts.signUpsPerAddress, durationMs: hourMs };
  await requireAttemptFrom(database, scope, limit, requireWorkOf(database, scope, { solution: proofOfWork }, policies));
  if (username !== null) await requireFreeUsername(database, username, { policy: usernames, now: scope.now });
  // Asks the range service before the request has a place, so that its wait holds none.
  await requireUnbreached(input.password, passwords, 'password');
  const hashedPassword = await withHashingSlot(passwords, () => hashPassword(input.password, passwords));
  return { ...account, username, hashedPassword };
}

/** Creates a confirmed user. Of two links for one address, the second is invalid once the first was followed. */
async function createConfirmed(
  db: Db,
  user: { email: string; hashedPassword: string; name: string | null },
  now: Date,
) {
  try {
    const created = await createUser(db, { ...user, role: defaultRole, emailVerifiedAt: now });
    await requireUnreserved(db, created.email, created.id, now);
    return created;
  } catch (error) {
    throw error instanceof EmailTakenError ? new TokenInvalidError() : error;
  }
}
