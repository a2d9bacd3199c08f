import type { Config } from '../../../config/config.ts';
import type { Database, Db } from '../../../database/database.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { ChallengeInvalidError, PasskeyLimitError, RequestError, sessionEnded } from '../../../errors.ts';
import { changeFactors } from '../../../factors/changes/change-factors.ts';
import {
  passkeyLifetimeMs as lifetimeMs,
  listPasskeys,
  maxPasskeys,
  type Passkey,
  savePasskey,
  userHandleOf,
  webAuthnChallengeOf,
} from '../../../factors/passkeys/passkey.ts';
import { registrationOptions, verifyRegistration } from '../../../factors/passkeys/registration.ts';
import { parseObject } from '../../../json.ts';
import { requireUser, type Scope, type Transport } from '../../../scope.ts';
import { requireProof } from '../../../sessions/proof.ts';
import type { RotatedSession } from '../../../sessions/rotate.ts';
import { whereLive } from '../../../sessions/session.ts';
import type { StartedSession, Visitor } from '../../../sessions/start.ts';
import { type CreatedChallenge, findChallenge, redeemChallenge } from '../../../tokens/challenge.ts';
import { hashToken } from '../../../tokens/token.ts';
import type { User } from '../../../users/user.ts';
import { type Enroller, findEnroller, finishEnrolment, lockEnroller, requireProofForFactors } from '../enrolment.ts';
import { requirePasskeyName } from './manage.ts';
import { startForUser } from './started.ts';

const purpose = 'PASSKEY_REGISTRATION';

/** A challenge for a passkey, with the options for the browser. */
export type PasskeyChallenge = CreatedChallenge & { options: object };

export type RegistrationPolicies = Pick<Config, 'sessions' | 'secondFactor' | 'passkeys' | 'reauthenticateAfterMs'>;

export type RegistrationStart = {
  /** The secret of a pending sign-in. Null in a session. */
  signIn: string | null;
  transport: Transport;
  /** Whether the browser may make the passkey by itself, right after a login by password. */
  isConditional: boolean;
};

/**
 * Starts the addition of a passkey.
 *
 * @throws ReauthenticationRequiredError in a session without recent proofs.
 * @throws ChallengeInvalidError for a sign-in that is not pending, or has a second factor.
 * @throws PasskeyLimitError
 */
export async function startPasskeyRegistration(
  database: Database,
  scope: Scope,
  { signIn, transport, isConditional }: RegistrationStart,
  policies: RegistrationPolicies,
): Promise<PasskeyChallenge> {
  if (isConditional && signIn !== null) {
    throw new RequestError('BAD_USER_INPUT', 'A conditional passkey is for a signed-in user. Leave out signIn.');
  }
  const { user } = await findEnroller(database, scope, signIn);
  if (signIn === null) requireProofForFactors(scope, policies);
  // WebAuthn Level 3 section 5.1.3: browsers make such a passkey only after they have filled in a password.
  if (isConditional) requireProof(scope, { withinMs: lifetimeMs, level: 1 });
  const passkeys = await listPasskeys(database, user.id);
  if (passkeys.length >= maxPasskeys) throw new PasskeyLimitError();
  const data = JSON.stringify({ userHandle: userHandleOf(user, passkeys, policies.passkeys), isConditional });
  const created = await startForUser(database, scope, { purpose, userId: user.id, lifetimeMs, data, transport });
  const challenge = webAuthnChallengeOf(hashToken(created.challenge));
  return { ...created, options: await registrationOptions(user, passkeys, challenge, policies.passkeys) };
}

export type RegistrationFinish = {
  /** The secret of the challenge that `startPasskeyRegistration` created. */
  challenge: string;
  /** A `RegistrationResponseJSON`. */
  response: unknown;
  /** The name that the user gave it. Null for none. */
  name: string | null;
  signIn: string | null;
  visitor: Visitor | null;
};

/** A passkey that was added, and the session after that. Without a session below, the one of the request is as before. */
export type AddedPasskey = {
  user: User;
  passkey: Passkey;
  /** As in `Enrolled`. */
  recoveryCodes: string[] | null;
  rotated: RotatedSession | null;
  started: StartedSession | null;
};

/**
 * Adds a passkey that a device has made. If the device verified its user, that is a new proof: the session gets a new
 * token. As a part of a sign-in, it is the second factor from now on, and the session starts.
 *
 * @throws ValidationError for a name that is too long.
 * @throws ChallengeInvalidError
 * @throws PasskeyRejectedError
 * @throws PasskeyExistsError
 * @throws PasskeyLimitError
 */
export async function finishPasskeyRegistration(
  database: Database,
  scope: Scope,
  { challenge: secret, response, name: givenName, signIn, visitor }: RegistrationFinish,
  policies: RegistrationPolicies,
): Promise<AddedPasskey> {
  const name = requirePasskeyName(givenName);
  const enroller = await findEnroller(database, scope, signIn);
  const challenge = await findChallenge(database, scope, purpose, secret);
  if (challenge.userId !== enroller.user.id) throw new ChallengeInvalidError('UNKNOWN');
  const { userHandle, isConditional } = (challenge.data && parseObject(challenge.data)) || {};
  const expected = {
    challenge: webAuthnChallengeOf(challenge.hashedToken),
    isConditional: isConditional === true && enroller.pending === null,
  };
  const verified = await verifyRegistration(response, expected, policies.passkeys);
  return inTransaction(database, async (db) => {
    const before = await lockEnroller(db, enroller);
    await redeemChallenge(db, challenge, scope.now);
    const row = { ...verified.passkey, userId: before.id, userHandle: String(userHandle), name };
    const addition = { before, type: 'FACTOR_ADDED', kind: 'PASSKEY' } as const;
    const passkey = await changeFactors(db, scope, addition, () => savePasskey(db, row, scope.now));
    const of = { enroller, before, isVerified: verified.isVerified, visitor };
    return { passkey, ...(await proveByPasskey(db, scope, of, policies)) };
  });
}

type NewProof = { enroller: Enroller; before: User; isVerified: boolean; visitor: Visitor | null };

/** Makes a new passkey a proof in the session or sign-in of its user, unless a session would get none by it. */
async function proveByPasskey(
  db: Db,
  scope: Scope,
  { enroller, before, isVerified, visitor }: NewProof,
  policies: RegistrationPolicies,
): Promise<Omit<AddedPasskey, 'passkey'>> {
  const method = isVerified ? 'passkey' : 'security_key';
  if (enroller.pending === null) {
    // A browser may have made it by itself: then it proves nothing about the person.
    if (!isVerified) {
      await requireLiveSession(db, scope);
      return { user: before, recoveryCodes: null, rotated: null, started: null };
    }
    return finishEnrolment(db, scope, { enroller, before, user: before, method, visitor }, policies);
  }
  const secondFactorSince = before.secondFactorSince ?? scope.now;
  const user = await db.user.update({ where: { id: before.id }, data: { secondFactorSince } });
  return finishEnrolment(db, scope, { enroller, before, user, method, visitor }, policies);
}

/** Requires that the session of the request has not ended meanwhile, as a rotation of its token does. */
async function requireLiveSession(db: Db, scope: Scope): Promise<void> {
  const { id } = requireUser(scope).session;
  const live = await db.session.findFirst({ where: { AND: [{ id }, whereLive(scope.now)] }, select: { id: true } });
  if (live === null) throw sessionEnded();
}
