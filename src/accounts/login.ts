import type { Database } from '../database/database.ts';
import { inTransaction, together } from '../database/transaction.ts';
import { AccountSuspendedError, InvalidCredentialsError } from '../errors.ts';
import { type AuditEventType, recordEvent } from '../events/record.ts';
import { type HashingSlot, withHashingSlot } from '../passwords/hashing-queue.ts';
import { checkPassword } from '../passwords/password.ts';
import { type StartedSession, type StartOptions, startUserSession } from '../sessions/start.ts';
import { withAttempt } from '../throttle/attempts.ts';
import { isKnownDevice, makeRoomForDevice, trustOfDevice } from '../tokens/trusted-device.ts';
import { findUserByEmail, lockUserWithPassword, requireAddressKey, type User } from '../users/user.ts';
import type { Policies } from './prove-password.ts';
import { overRewrittenHash } from './rewritten-hash.ts';

/**
 * Starts a session for whoever an email and a password prove.
 *
 * @throws ValidationError for an email that nobody can have.
 * @throws InvalidCredentialsError in the same way, after the same time, for an unknown email and a wrong password.
 * @throws RateLimitedError in the same way too, if too many were wrong before.
 * @throws AccountSuspendedError, which only somebody with the right password is told.
 */
export async function login(
  database: Database,
  credentials: { email: string; password: string },
  policies: Policies,
  options: StartOptions,
): Promise<StartedSession> {
  const key = requireAddressKey(credentials.email);
  return withHashingSlot(
    policies.passwords,
    (slot) => loginInSlot(database, { ...credentials, key }, policies, options, slot),
    trustOfDevice(database, options.deviceToken, key, options.now),
  );
}

async function loginInSlot(
  database: Database,
  { email, key, password }: { email: string; key: string; password: string },
  { passwords, attempts }: Policies,
  options: StartOptions,
  slot: HashingSlot,
): Promise<StartedSession> {
  const { device, deviceToken, now } = options;
  const isKnown = await isKnownDevice(database, deviceToken, key, now);
  const attempt = { email: key, device, isKnownDevice: isKnown };
  return withAttempt(database, attempt, attempts, now, async (succeed) => {
    const found = await findUserByEmail(database, email);
    const startFor = async (user: User | null) => {
      const stored = user?.hashedPassword ?? null;
      const { isRight, rehashed } = await checkPassword(password, stored, passwords, slot);
      if (!user || !isRight) throw new InvalidCredentialsError();
      if (user.suspendedAt !== null) throw new AccountSuspendedError();
      if (!isKnown) await makeRoomForDevice(database, user.id);
      return inTransaction(database, async (db) => {
        // A password that was changed since it was checked must not open a session: the change ended all others.
        const unchanged = await lockUserWithPassword(db, user, rehashed);
        if (unchanged.suspendedAt !== null) throw new AccountSuspendedError();
        const [started] = await together([startUserSession(db, unchanged, 'LOGGED_IN', options, isKnown), succeed(db)]);
        return started;
      });
    };
    try {
      return await (found ? overRewrittenHash(database, found, startFor) : startFor(null));
    } catch (error) {
      if (error instanceof InvalidCredentialsError) await recordFailure(database, 'LOGIN_FAILED', found, options);
      if (error instanceof AccountSuspendedError) await recordFailure(database, 'LOGIN_REFUSED', found, options);
      throw error;
    }
  });
}

function recordFailure(
  database: Database,
  type: AuditEventType,
  user: User | null,
  { device, replaces, now }: StartOptions,
): Promise<void> {
  const event = { type, userId: user?.id ?? null, sessionHandle: null };
  return recordEvent(database, event, { device, session: replaces }, now);
}
