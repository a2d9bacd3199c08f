import type { PasswordPolicy } from '../config.ts';
import type { Database, Db } from '../database/database.ts';
import { authenticate, createUser, type NewUser, prepareUser } from '../users/user.ts';
import { endSession } from './end.ts';
import type { Session, SessionWithUser, Transport } from './session.ts';
import { createAntiCSRFToken, createToken } from './token.ts';

export type StartOptions = {
  transport: Transport;
  /** The session that the request came with. It ends when the new one starts. */
  replaces: Session | null;
  lifetimeMs: number;
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
  policy: PasswordPolicy,
  options: StartOptions,
): Promise<StartedSession> {
  const prepared = await prepareUser(input, policy);
  return database.$transaction(async (db) => {
    const user = await createUser(db, prepared);
    return startSession(db, user.id, options);
  });
}

/** @throws InvalidCredentialsError */
export async function login(
  database: Database,
  credentials: { email: string; password: string },
  policy: PasswordPolicy,
  options: StartOptions,
): Promise<StartedSession> {
  const user = await authenticate(database, credentials.email, credentials.password, policy);
  return database.$transaction((db) => startSession(db, user.id, options));
}

/**
 * Starts a new session, with a new handle and a new token, and ends the one that the request came with. Whoever
 * planted that one with a victim does not get the victim's session (session fixation).
 */
async function startSession(db: Db, userId: number, options: StartOptions): Promise<StartedSession> {
  const { transport, replaces, lifetimeMs, now } = options;
  const { token, handle, hashedToken } = createToken();
  const session = await db.session.create({
    data: {
      handle,
      hashedSessionToken: hashedToken,
      antiCSRFToken: transport === 'COOKIE' ? createAntiCSRFToken() : null,
      createdAt: now,
      expiresAt: new Date(now.getTime() + lifetimeMs),
      user: { connect: { id: userId } },
    },
    include: { user: true },
  });
  if (replaces) await endSession(db, replaces.id, now);
  return { session, token };
}
