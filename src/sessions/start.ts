import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Scope, Transport } from '../scope.ts';
import { requireRequestFrom } from '../throttle/requests.ts';
import { createSessionToken } from '../tokens/token.ts';
import { createSession } from './create-session.ts';
import { requireValidData, textWithChanges } from './data.ts';
import type { SessionWithUser } from './session.ts';

/** The request of a client for a session. */
export type SessionRequest = {
  transport: Transport;
  /** Whether the session outlives the browser. If not, its cookie ends with the browser, and its lifetime is short. */
  isRemembered: boolean;
  /** A visitor of another system, whose data moves to the session like that of the replaced session. Null if none. */
  visitor: Visitor | null;
};

/** The data of a visitor without an account in another system, whose sessions stay valid here. */
export type Visitor = {
  /** The handle of the session with the private data, if there is such a session. */
  handle: string;
  publicData: string;
};

export type StartedSession = {
  session: SessionWithUser;
  /** The secret of the session. It exists only here and at the client. */
  token: string;
  transport: Transport;
  /** The device token of a device that is now trusted. Null if it was trusted before, or if no user signed in. */
  deviceToken: string | null;
};

const hourMs = 3_600_000;

/**
 * Starts a session without a user, which stores the data of a visitor until they log in. Anyone can ask for one, so the
 * number per address and hour is limited.
 *
 * @throws ValidationError if the data is not valid.
 * @throws RequestError if one address has started too many.
 */
export async function startAnonymousSession(
  database: Database,
  scope: Scope,
  { transport, publicData }: { transport: Transport; publicData?: unknown },
  { attempts, sessions }: Pick<Config, 'attempts' | 'sessions'>,
): Promise<StartedSession> {
  const data = publicData === undefined ? null : textWithChanges(null, requireValidData(publicData, 'publicData'));
  const limit = { kind: 'anonymous-sessions', points: attempts.anonymousSessionsPerAddress, durationMs: hourMs };
  await requireRequestFrom(database, scope, limit);
  const credential = createSessionToken();
  const values = { transport, isRemembered: true, publicData: data, privateData: null };
  const row = { user: null, proof: null, ...values, ...credential };
  const session = await createSession(database, scope, row, sessions);
  return { session, token: credential.token, transport, deviceToken: null };
}
