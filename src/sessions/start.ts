import type { PasswordPolicy, SessionPolicy } from '../config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { createAntiCSRFToken, createToken } from '../token.ts';
import { authenticate, createUser, lockUnchanged, type NewUser, prepareUser, type User } from '../users/user.ts';
import { carriedOver, checkedData, type DataColumn, mergedText } from './data.ts';
import type { Device } from './device.ts';
import { endLeastRecentlyUsed, endSession } from './end.ts';
import { expiryOf } from './expiry.ts';
import type { Session, SessionWithUser, Transport } from './session.ts';

export type StartOptions = {
  transport: Transport;
  device: Device;
  /** The session that the request came with. It ends when the new one starts. */
  replaces: Session | null;
  policy: SessionPolicy;
  now: Date;
};

export type StartedSession = {
  session: SessionWithUser;
  /** The secret of the session, which exists only here and at its client. */
  token: string;
};

/** @throws ValidationError, EmailTakenError */
export async function signUp(
  database: Database,
  input: NewUser,
  passwords: PasswordPolicy,
  options: StartOptions,
): Promise<StartedSession> {
  const prepared = await prepareUser(input, passwords);
  return inTransaction(database, async (db) => {
    const user = await createUser(db, prepared);
    return startUserSession(db, user, options);
  });
}

/** @throws ValidationError, InvalidCredentialsError */
export async function login(
  database: Database,
  credentials: { email: string; password: string },
  passwords: PasswordPolicy,
  options: StartOptions,
): Promise<StartedSession> {
  const user = await authenticate(database, credentials.email, credentials.password, passwords);
  return inTransaction(database, async (db) => {
    // A password that was changed since it was checked must not open a session: the change ended all others.
    return startUserSession(db, await lockUnchanged(db, user), options);
  });
}

/**
 * Starts a session without a user, for a visitor whose data is to be kept until they log in.
 *
 * @throws ValidationError for data that may not be stored.
 */
export function startAnonymousSession(
  db: Db,
  options: Omit<StartOptions, 'replaces'>,
  publicData?: unknown,
): Promise<StartedSession> {
  const data = publicData === undefined ? null : mergedText(null, checkedData(publicData, 'publicData'));
  return createSession(db, null, { publicData: data, privateData: null }, options);
}

/**
 * Starts a user's session, with a new handle and a new token, and ends the one that the request came with. Whoever
 * planted that one with a victim does not get the victim's session (session fixation). If it was anonymous, its data
 * goes on in the new one.
 */
async function startUserSession(db: Db, user: User, options: StartOptions): Promise<StartedSession> {
  const { replaces, policy, now } = options;
  const ended = replaces && (await endSession(db, replaces.id, now));
  // A session in which somebody was signed in is nobody's any more when they are deleted, but no visitor's either.
  const isVisitors = ended?.userId === null && ended.authenticatedAt === null;
  const data = {
    publicData: isVisitors ? carriedOver(ended.publicData) : null,
    privateData: isVisitors ? carriedOver(ended.privateData) : null,
  };
  const started = await createSession(db, user, data, options);
  await endLeastRecentlyUsed(db, user.id, policy.maxPerUser, started.session.id, now);
  return started;
}

async function createSession(
  db: Db,
  user: User | null,
  data: Pick<Session, DataColumn>,
  { transport, device, policy, now }: Omit<StartOptions, 'replaces'>,
): Promise<StartedSession> {
  const { token, handle, hashedToken } = createToken();
  const session = await db.session.create({
    data: {
      handle,
      hashedSessionToken: hashedToken,
      antiCSRFToken: transport === 'COOKIE' ? createAntiCSRFToken() : null,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: expiryOf(now, now, policy),
      authenticatedAt: user === null ? null : now,
      ...data,
      ...device,
      userId: user?.id ?? null,
    },
  });
  return { session: { ...session, user }, token };
}
