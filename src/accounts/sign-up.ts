import { recordEvent } from '../audit/record.ts';
import type { PasswordPolicy } from '../config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { EmailTakenError, InvalidCredentialsError, TokenInvalidError } from '../errors.ts';
import { type StartedSession, type StartOptions, startUserSession } from '../sessions/start.ts';
import { enqueueMail } from '../users/outbox.ts';
import { verifyPassword } from '../users/password.ts';
import { createUser, defaultRole, findUserByEmail, type NewUser, prepareUser } from '../users/user.ts';
import { findUserToken, redeemUserToken } from '../users/user-token.ts';

/**
 * Makes an account, signs its user in, and mails them a link to prove that the address is theirs.
 *
 * @throws ValidationError, EmailTakenError
 */
export async function signUp(
  database: Database,
  input: NewUser,
  policy: PasswordPolicy,
  options: StartOptions,
): Promise<StartedSession> {
  const prepared = await prepareUser(input, policy);
  return inTransaction(database, async (db) => {
    const user = await createUser(db, prepared);
    const started = await startUserSession(db, user, 'SIGNED_UP', options);
    await enqueueMail(db, { name: 'verify-email', recipient: user.email, userId: user.id }, options.now);
    return started;
  });
}

/**
 * Asks for an account without being told whether the address has one: the answer, its time, and what is written are
 * the same. Nothing exists before the link in the mail is followed, so that trying to log in tells nothing either. The
 * owner of an account that is there is told. Returns the address that mail goes to.
 *
 * @throws ValidationError
 */
export async function requestSignUp(
  database: Database,
  input: NewUser,
  policy: PasswordPolicy,
  now: Date,
): Promise<string> {
  const { email, name, hashedPassword } = await prepareUser(input, policy);
  const owner = await findUserByEmail(database, email);
  const mail = owner
    ? ({ name: 'email-taken', userId: owner.id } as const)
    : ({ name: 'confirm-sign-up', userId: null, data: { hashedPassword, name: name ?? '' } } as const);
  await enqueueMail(database, { ...mail, recipient: email }, now);
  return email;
}

/**
 * Makes the account that was asked for, and signs its user in. The password is asked for once more: the link proves
 * that the address is theirs, and the password that it was they who asked, and not somebody who would share the
 * account from then on.
 *
 * @throws TokenInvalidError, InvalidCredentialsError
 */
export async function confirmSignUp(
  database: Database,
  { token, password }: { token: string; password: string },
  policy: PasswordPolicy,
  options: StartOptions,
): Promise<StartedSession> {
  const found = await findUserToken(database, 'SIGN_UP', token, options.now);
  if (!found?.sentTo) throw new TokenInvalidError();
  const { hashedPassword, name } = JSON.parse(found.data ?? '{}') as { hashedPassword: string; name: string };
  if (!(await verifyPassword(password, hashedPassword, policy))) throw new InvalidCredentialsError();
  const email = found.sentTo;
  return inTransaction(database, async (db) => {
    await redeemUserToken(db, 'SIGN_UP', token, options.now);
    const user = await createConfirmed(db, { email, hashedPassword, name: name || null }, options.now);
    const started = await startUserSession(db, user, 'SIGNED_UP', options);
    const origin = { device: options.device, session: started.session };
    await recordEvent(db, { type: 'EMAIL_VERIFIED', userId: user.id }, origin, options.now);
    return started;
  });
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
