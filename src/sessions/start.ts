import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import type { Scope, Transport } from '../scope.ts';
import { requireRequestFrom } from '../throttle/requests.ts';
import { createToken } from '../tokens/token.ts';
import { createSession } from './create-session.ts';
import { requireValidData, textWithChanges } from './data.ts';
import type { SessionWithUser } from './session.ts';

/** What a client asks of the session that it gets. */
export type SessionRequest = {
  transport: Transport;
  /** The data of a visitor that continues in the session, beside that of the session which it replaces. Null for none. */
  visitor: Visitor | null;
};

/** What a visitor without an account had in another system, whose sessions go on here. */
export type Visitor = {
  /** The handle of the session with the private data, where there is one. */
  handle: string;
  publicData: string;
};

export type StartedSession = {
  session: SessionWithUser;
  /** The secret of the session, which exists only here and at its client. */
  token: string;
  transport: Transport;
  /** What the device is known by from now on. Null if it was known already, or nobody signed in. */
  deviceToken: string | null;
};

const hourMs = 3_600_000;

/**
 * Starts a session without a user, for a visitor whose data is to be kept until they log in. Anybody can ask for one,
 * so an address may start only so many in an hour.
 *
 * @throws ValidationError for data that may not be stored.
 * @throws RequestError where too many come from one address.
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
  const credential = createToken();
  const row = { user: null, proof: null, transport, publicData: data, privateData: null, ...credential };
  const session = await createSession(database, scope, row, sessions);
  return { session, token: credential.token, transport, deviceToken: null };
}
