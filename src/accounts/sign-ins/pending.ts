import { hash } from 'node:crypto';
import type { Db } from '../../database/database.ts';
import { ChallengeInvalidError } from '../../errors.ts';
import { recordEvent } from '../../events/record.ts';
import { listSecondFactors, type SecondFactorMethod } from '../../factors/second-factors.ts';
import { parseObject } from '../../json.ts';
import type { Scope, Transport } from '../../scope.ts';
import type { AuthenticationMethod } from '../../sessions/proof.ts';
import { methodsOf } from '../../sessions/proof.ts';
import { type CreatedChallenge, createChallenge, type FoundChallenge, findChallenge } from '../../tokens/challenge.ts';
import type { User } from '../../users/user.ts';
import type { SignIn, SignInType } from '../sign-in.ts';

/** The time for the second factor, in milliseconds. */
const lifetimeMs = 10 * 60_000;

/** A sign-in that waits for a second factor. Its challenge opens nothing else. */
export type PendingSignIn = CreatedChallenge & {
  user: User;
  /** The second factors of the user. Empty if the user has none yet, and has to add one. */
  methods: SecondFactorMethod[];
  transport: Transport;
};

/** A pending sign-in, as its challenge stores it. */
export type StoredSignIn = {
  challenge: FoundChallenge;
  user: User;
  /** The methods of the first factor. */
  methods: AuthenticationMethod[];
  type: SignInType;
  transport: Transport;
  isRemembered: boolean;
};

/**
 * Asks for the second factor of a sign-in, and records that the first one was given: its user may learn that another
 * person has the password.
 */
export async function createPendingSignIn(
  db: Db,
  scope: Scope,
  { user, proof, type, transport, isRemembered }: SignIn,
): Promise<PendingSignIn> {
  const data = JSON.stringify({
    methods: proof.methods.join(' '),
    type,
    transport,
    isRemembered,
    account: accountState(user),
  });
  const methods = await listSecondFactors(db, user.id);
  const created = await createChallenge(db, scope, {
    purpose: 'SIGN_IN',
    userId: user.id,
    lifetimeMs,
    data,
    transport,
  });
  await recordEvent(db, scope, { type: 'SECOND_FACTOR_REQUESTED', userId: user.id, sessionHandle: null });
  return { ...created, user, methods, transport };
}

/** Returns the pending sign-in of a challenge. @throws ChallengeInvalidError */
export async function findPendingSignIn(db: Db, scope: Scope, secret: string): Promise<StoredSignIn> {
  const challenge = await findChallenge(db, scope, 'SIGN_IN', secret);
  const { user } = challenge;
  if (user === null) throw new ChallengeInvalidError('UNKNOWN');
  requireSameAccount(challenge, user);
  const data = dataOf(challenge);
  return {
    challenge,
    user,
    methods: methodsOf(String(data.methods)),
    type: data.type as SignInType,
    transport: data.transport === 'BEARER' ? 'BEARER' : 'COOKIE',
    isRemembered: data.isRemembered === true,
  };
}

/**
 * Requires that the password and the address are those of the first step. A change of either ends every sign-in that
 * has begun before it, also where another program made the change.
 *
 * @throws ChallengeInvalidError
 */
export function requireSameAccount(challenge: FoundChallenge, user: User): void {
  if (dataOf(challenge).account !== accountState(user)) throw new ChallengeInvalidError('EXPIRED');
}

/** Returns a digest of the password and the address of a user. Null, for no user, has one too. */
export function accountState(user: User | null): string {
  return hash('sha256', JSON.stringify([user?.hashedPassword ?? null, user?.email ?? null]));
}

function dataOf({ data }: FoundChallenge): Record<string, unknown> {
  return (data && parseObject(data)) || {};
}
