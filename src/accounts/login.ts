import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { runConcurrently } from '../database/transaction.ts';
import { AccountSuspendedError, InvalidCredentialsError } from '../errors.ts';
import { type Trust, withHashingSlot } from '../passwords/hashing-queue.ts';
import { requirePassword } from '../passwords/password.ts';
import type { Scope } from '../scope.ts';
import { needsSecondFactor } from '../sessions/assurance/second-factor.ts';
import type { SessionRequest } from '../sessions/start.ts';
import { type Failures, withAttempt } from '../throttle/attempts.ts';
import { requireWorkOf, type WorkPolicies } from '../throttle/proof-of-work.ts';
import { findTrustedDevice, isTrustedDevice } from '../tokens/trusted-device.ts';
import { findAccount, findUserByIdentifier, type Identifier, labelOf } from '../users/identifier.ts';
import type { User } from '../users/user.ts';
import { inTransactionOf, type SignInPolicies } from './prove-password.ts';
import { completeSignIn, isPending, type SignInResult } from './sign-in.ts';
import { mailFailedLogins, recordFailedLogin } from './sign-ins/failed-logins.ts';
import { prepareNewDevice } from './sign-ins/new-device.ts';

type LoginPolicies = SignInPolicies & WorkPolicies & Pick<Config, 'newDeviceMail'>;

export type Credentials = SessionRequest & {
  identifier: Identifier;
  password: string;
  /** The solution of a challenge. Null if the request brings none. */
  proofOfWork: string | null;
};

/**
 * Starts a session for the user with this identifier and password, or asks for the second factor of the user.
 *
 * @throws InvalidCredentialsError alike, after the same time, for an unknown identifier and a wrong password.
 * @throws RateLimitedError alike too, after too many failed attempts.
 * @throws ProofOfWorkRequiredError alike too, after many failed attempts from the address of the request.
 * @throws AccountSuspendedError, only with the right password.
 */
export async function login(
  database: Database,
  scope: Scope,
  credentials: Credentials,
  policies: LoginPolicies,
): Promise<SignInResult> {
  return withHashingSlot(
    policies.passwords,
    () => loginInSlot(database, scope, credentials, policies),
    trustOf(database, scope, credentials.identifier),
  );
}

/** Returns the trust of a request for the hashing queue. Reads nothing before the queue asks for it. */
function trustOf(database: Database, scope: Scope, identifier: Identifier): Trust | null {
  if (scope.deviceToken === null) return null;
  const isTrusted = async () => isTrustedDevice(database, scope, (await findAccount(database, identifier)).key);
  return { account: labelOf(identifier), isTrusted };
}

async function loginInSlot(
  database: Database,
  scope: Scope,
  { identifier, password, proofOfWork, ...request }: Credentials,
  policies: LoginPolicies,
): Promise<SignInResult> {
  const { passwords, attempts, secondFactor } = policies;
  const { key: accountKey, address } = await findAccount(database, identifier);
  const device = await findTrustedDevice(database, scope, accountKey);
  let user: User | null = null;
  const attempt = {
    accountKey,
    isTrustedDevice: device !== null,
    policy: attempts,
    requireWork: requireWorkOf(database, scope, { solution: proofOfWork }, policies),
    onCooldown: (failures: Failures) => mailFailedLogins(database, scope, { address, user }, failures),
  };
  return withAttempt(database, scope, attempt, async (succeed, failures) => {
    user = await findUserByIdentifier(database, identifier);
    const prove = (current: User | null) => requirePassword(password, current?.hashedPassword ?? null, passwords);
    try {
      const rehashed = await prove(user);
      // Never thrown: without a user there is no hash, and no password is right.
      if (!user) throw new InvalidCredentialsError();
      if (user.suspendedAt !== null) throw new AccountSuspendedError();
      const isMailed = device === null && (await prepareNewDevice(database, user, policies, scope.now));
      // A password that has changed since the check must not open a session: the change ended all others.
      return await inTransactionOf(database, { user, rehashed, prove }, async (db, locked) => {
        const proof = { methods: ['password'], at: scope.now } as const;
        const of = { trustedDevice: device, newDevice: isMailed ? { failures } : null };
        const signIn = { ...request, user: locked, proof, type: 'LOGGED_IN', ...of } as const;
        const completing = completeSignIn(db, scope, signIn, policies);
        if (needsSecondFactor(locked, secondFactor)) {
          const result = await completing;
          await succeed(db, !isPending(result));
          return result;
        }
        const [started] = await runConcurrently([completing, succeed(db)]);
        return started;
      });
    } catch (error) {
      await recordFailedLogin(database, scope, error, user?.id ?? null);
      throw error;
    }
  });
}
