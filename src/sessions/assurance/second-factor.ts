import type { SecondFactorPolicy } from '../../config/config.ts';
import type { User } from '../../generated/sqlite/client.ts';
import { type AuthenticationMethod, proofsOf } from '../proof.ts';
import type { SessionWithUser } from '../session.ts';

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
 * Returns whether a session lacks the second factor that its user needs. Such a session is older than the setting that
 * requires it. It opens nothing.
 */
export function lacksSecondFactor(session: SessionWithUser, policy: SecondFactorPolicy): boolean {
  const { user } = session;
  if (user === null || !needsSecondFactor(user, policy)) return false;
  return !provesSecondFactor(proofsOf(session).map(({ method }) => method));
}
