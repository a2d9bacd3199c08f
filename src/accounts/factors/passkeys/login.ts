import type { Config } from '../../../config/config.ts';
import type { Database } from '../../../database/database.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { AccountSuspendedError, PasskeyRejectedError } from '../../../errors.ts';
import { type AuditEventType, recordEvent } from '../../../events/record.ts';
import {
  authenticationOptions,
  type ProvenPasskey,
  verifyAuthentication,
} from '../../../factors/passkeys/authentication.ts';
import {
  passkeyLifetimeMs as lifetimeMs,
  recordPasskeyUse,
  webAuthnChallengeOf,
} from '../../../factors/passkeys/passkey.ts';
import { parseObject } from '../../../json.ts';
import type { Scope, Transport } from '../../../scope.ts';
import type { SessionRequest, StartedSession } from '../../../sessions/start.ts';
import { quarterMs, requireAttemptFrom } from '../../../throttle/requests.ts';
import { createChallenge, findChallenge, redeemChallenge } from '../../../tokens/challenge.ts';
import { hashToken } from '../../../tokens/token.ts';
import { findTrustedDevice } from '../../../tokens/trusted-device.ts';
import { accountKeyOf } from '../../../users/email.ts';
import { findAndLockUser } from '../../../users/lock.ts';
import { completeSignIn, isPending } from '../../sign-in.ts';
import { prepareNewDevice } from '../../sign-ins/new-device.ts';
import type { PasskeyChallenge } from './registration.ts';
import { recordCloneSuspicion } from './rejections.ts';

const purpose = 'PASSKEY_LOGIN';

/** Logins that may begin from one address in 15 minutes. A page with conditional UI begins one whenever it is opened. */
const maxPerAddress = 300;

export type PasskeyLoginPolicies = Pick<Config, 'sessions' | 'secondFactor' | 'passkeys' | 'newDeviceMail'>;

/**
 * Starts a login by passkey. The client tells no account: the device offers the passkeys that it has.
 *
 * @throws RateLimitedError after too many of them from one address.
 */
export async function startPasskeyLogin(
  database: Database,
  scope: Scope,
  transport: Transport,
  { passkeys: policy }: Pick<Config, 'passkeys'>,
): Promise<PasskeyChallenge> {
  await requireAttemptFrom(database, scope, { kind: 'passkey-logins', points: maxPerAddress, durationMs: quarterMs });
  const data = JSON.stringify({ transport });
  const created = await createChallenge(database, scope, { purpose, userId: null, lifetimeMs, data, transport });
  const challenge = webAuthnChallengeOf(hashToken(created.challenge));
  const options = await authenticationOptions({ challenge, passkeys: null, requiresVerification: true }, policy);
  return { ...created, options };
}

export type PasskeyLogin = Omit<SessionRequest, 'transport'> & {
  /** The secret of the challenge that `startPasskeyLogin` created. */
  challenge: string;
  /** An `AuthenticationResponseJSON`. */
  response: unknown;
};

/**
 * Starts a session for the user of a passkey. The passkey is both factors: its device must have verified the user.
 *
 * A challenge takes one answer, right or wrong. So the limit on challenges bounds the work that answers cause, too.
 *
 * @throws ChallengeInvalidError
 * @throws PasskeyRejectedError
 * @throws AccountSuspendedError, only with the right passkey.
 */
export async function finishPasskeyLogin(
  database: Database,
  scope: Scope,
  { challenge: secret, response, ...request }: PasskeyLogin,
  policies: PasskeyLoginPolicies,
): Promise<StartedSession> {
  const challenge = await findChallenge(database, scope, purpose, secret);
  await redeemChallenge(database, challenge, scope.now);
  const { transport: stored } = (challenge.data && parseObject(challenge.data)) || {};
  const transport = stored === 'BEARER' ? 'BEARER' : 'COOKIE';
  const webAuthnChallenge = webAuthnChallengeOf(challenge.hashedToken);
  const expected = { challenge: webAuthnChallenge, userId: null, requiresVerification: true };
  try {
    const proven = await verifyAuthentication(database, response, expected, policies.passkeys);
    return await complete(database, scope, { ...request, transport, proven }, policies);
  } catch (error) {
    await recordCloneSuspicion(database, scope, error);
    if (error instanceof PasskeyRejectedError) await recordFailure(database, scope, 'LOGIN_FAILED', error.userId);
    throw error;
  }
}

function recordFailure(db: Database, scope: Scope, type: AuditEventType, userId: bigint | null): Promise<void> {
  return recordEvent(db, scope, { type, userId, sessionHandle: null, detail: 'PASSKEY' });
}

async function complete(
  database: Database,
  scope: Scope,
  { proven, ...request }: SessionRequest & { proven: ProvenPasskey },
  policies: PasskeyLoginPolicies,
): Promise<StartedSession> {
  const { now } = scope;
  const { user: owner, method } = proven;
  if (owner.suspendedAt !== null) {
    await recordFailure(database, scope, 'LOGIN_REFUSED', owner.id);
    throw new AccountSuspendedError();
  }
  const trustedDevice = await findTrustedDevice(database, scope, accountKeyOf(owner.email));
  const isMailed = trustedDevice === null && (await prepareNewDevice(database, owner, policies, now));
  return inTransaction(database, async (db) => {
    const user = await findAndLockUser(db, owner.id);
    if (user === null) throw new PasskeyRejectedError('UNKNOWN_CREDENTIAL');
    await recordPasskeyUse(db, proven, now);
    const proof = { methods: [method], at: now };
    const of = { trustedDevice, newDevice: isMailed ? { failures: 0 } : null };
    const result = await completeSignIn(db, scope, { ...request, user, proof, type: 'LOGGED_IN', ...of }, policies);
    if (isPending(result)) throw new Error(`The passkey ${proven.passkey.id} was not enough.`);
    return result;
  });
}
