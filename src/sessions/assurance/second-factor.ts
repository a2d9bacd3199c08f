import type { Config, SecondFactorPolicy } from '../../config/config.ts';
import type { Db } from '../../database/database.ts';
import type { User } from '../../generated/sqlite/client.ts';
import { requireUser, type Scope } from '../../scope.ts';
import { endSessions, sessionsWithIds } from '../end.ts';
import { type AuthenticationMethod, proofsOf, requireProof } from '../proof.ts';
import { type Session, type SessionWithUser, whereLive } from '../session.ts';
import type { AssuranceLevel } from './level.ts';

/** Methods that are accepted as a second factor, or stand for one. */
const secondFactors: ReadonlySet<AuthenticationMethod> = new Set([
  'totp',
  'passkey',
  'security_key',
  'recovery_code',
  'trusted_device',
]);

/** Returns whether the sign-ins of a user need a second factor: the user chose so, or the role requires it. */
export function needsSecondFactor(
  { secondFactorSince, role }: Pick<User, 'secondFactorSince' | 'role'>,
  { requiredRoles }: SecondFactorPolicy,
): boolean {
  return secondFactorSince !== null || requiredRoles === 'all' || requiredRoles.has(role);
}

/** Returns whether the methods of a sign-in include a second factor. */
export function provesSecondFactor(methods: readonly AuthenticationMethod[]): boolean {
  return methods.some((method) => secondFactors.has(method));
}

/**
 * Returns whether a session lacks the second factor that its user needs, or has only a trusted device that does not
 * count any more. Such a session is older than the setting that requires the factor. It opens nothing.
 */
export function lacksSecondFactor(session: SessionWithUser, policy: SecondFactorPolicy): boolean {
  const { user } = session;
  if (user === null || !needsSecondFactor(user, policy)) return false;
  const methods = proofsOf(session).map(({ method }) => method);
  return !provesSecondFactor(methods.filter((method) => policy.allowsTrustedDevices || method !== 'trusted_device'));
}

/**
 * Ends the live sessions of a user that lack the second factor that the user needs from now on, in the transaction that
 * causes the need. Returns the ended sessions.
 */
export async function endSessionsWithoutSecondFactor(
  db: Db,
  scope: Scope,
  user: User,
  policy: SecondFactorPolicy,
): Promise<Session[]> {
  if (!needsSecondFactor(user, policy)) return [];
  const live = await db.session.findMany({ where: { userId: user.id, ...whereLive(scope.now) } });
  const ids = live.filter((session) => lacksSecondFactor({ ...session, user }, policy)).map(({ id }) => id);
  return ids.length === 0 ? [] : endSessions(db, scope, sessionsWithIds(ids), 'SECOND_FACTOR_REQUIRED');
}

export type RecentProofPolicies = Pick<Config, 'secondFactor' | 'reauthenticateAfterMs'>;

/**
 * Requires recent proofs of the user of a session: of two factors, if the sign-ins of the user need a second one.
 *
 * @param minLevel - the level that the operation itself needs, whatever the account
 * @throws RequestError without a user.
 * @throws ReauthenticationRequiredError
 */
export function requireRecentProof(scope: Scope, policies: RecentProofPolicies, minLevel: AssuranceLevel = 1): void {
  const { user } = requireUser(scope).session;
  const level = needsSecondFactor(user, policies.secondFactor) ? 2 : minLevel;
  requireProof(scope, { withinMs: policies.reauthenticateAfterMs, level });
}
