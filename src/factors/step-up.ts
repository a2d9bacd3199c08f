/** The methods by which the user of a session can prove the identity again. */
import type { Db } from '../database/database.ts';
import type { Scope } from '../scope.ts';
import { addsFactor } from '../sessions/assurance/level.ts';
import { type AuthenticationMethod, recentMethodsOf } from '../sessions/proof.ts';
import { listSecondFactors, type SecondFactorMethod } from './second-factors.ts';

/** The method that a right answer of each second factor proves, at best. */
const provedBy: Record<SecondFactorMethod, AuthenticationMethod> = {
  PASSKEY: 'passkey',
  TOTP: 'totp',
  RECOVERY_CODE: 'recovery_code',
};

/**
 * Returns the methods of the user that prove a factor beyond those that were proved recently, in the order in which a
 * client should offer them. Empty without a user, and if the account has no such method.
 */
export async function listStepUpMethods(
  db: Db,
  { session, now }: Pick<Scope, 'session' | 'now'>,
  withinMs: number,
): Promise<AuthenticationMethod[]> {
  if (!session?.user) return [];
  const { id, hashedPassword } = session.user;
  const others = (await listSecondFactors(db, id)).map((method) => provedBy[method]);
  const own: AuthenticationMethod[] = hashedPassword === null ? others : ['password', ...others];
  const proved = recentMethodsOf(session, withinMs, now);
  return own.filter((method) => addsFactor(proved, method));
}
