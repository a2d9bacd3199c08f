/** Clients that write through the servers, and note in the ledger what was acknowledged. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Data } from '../../../test/support/api.ts';
import type { Ledger, SessionEntry, UserEntry } from './ledger.ts';

/** Sends an operation, and returns its data. Null if it was not acknowledged. */
export type Ask = (query: string, token?: string) => Promise<Data>;

/** Sends to the first node and to another one, so that sessions are used on nodes that did not start them. */
export type Route = { here: Ask; there: Ask };

const pauseMs = 40;
const writesPerSession = 3;

/** Lives through one anonymous session: starts it, writes data, and ends every other one. */
export async function visit(ledger: Ledger, { here, there }: Route, isEnding: boolean): Promise<void> {
  const started = await here('mutation { result: startSession(transport: BEARER) { token session { handle } } }');
  if (!started) return;
  const session = enter(ledger.sessions, started);
  await writeData(session, there);
  if (isEnding) await logOut(session, there);
  if (session.end === 'acknowledged') await useAgain(ledger, session, here);
}

/** Lives through one account: signs up, writes, changes the password, which ends another session, and logs out. */
export async function join(ledger: Ledger, { here, there }: Route): Promise<void> {
  const email = `${randomUUID()}@example.com`;
  const password = randomUUID();
  const signedUp = await here(signIn('signUp', email, password));
  if (!signedUp?.token) return;
  const user: UserEntry = { email, name: 0, password, oldPassword: null, askedPassword: null };
  ledger.users.set(email, user);
  const session = enter(ledger.sessions, signedUp);
  await writeData(session, there);
  for (let name = 1; name <= writesPerSession; name += 1) {
    const renamed = await there(`mutation { result: updateProfile(name: "${name}") { __typename } }`, session.token);
    if (renamed?.__typename === 'ViewerPayload') user.name = name;
  }
  const loggedIn = await there(signIn('login', email, password));
  const other = loggedIn?.token ? enter(ledger.sessions, loggedIn) : null;
  if (await changePassword(user, { session, other }, here)) await logOut(session, there);
}

function signIn(mutation: string, email: string, password: string): string {
  return `mutation { result: ${mutation}(email: "${email}", password: "${password}", transport: BEARER) {
    ... on SignInPayload { token session { handle } } } }`;
}

function enter(sessions: Ledger['sessions'], { token, session: { handle } }: Data): SessionEntry {
  const entry: SessionEntry = { handle, token, data: 0, end: 'none' };
  sessions.set(handle, entry);
  return entry;
}

async function writeData(session: SessionEntry, ask: Ask): Promise<void> {
  for (let n = 1; n <= writesPerSession; n += 1) {
    await sleep(pauseMs);
    const query = `mutation { result: setPublicData(data: { n: ${n} }) { ... on SessionDataPayload { session { handle } } } }`;
    const written = await ask(query, session.token);
    if (written?.session?.handle === session.handle) session.data = n;
  }
}

async function logOut(session: SessionEntry, ask: Ask): Promise<void> {
  session.end = 'asked';
  const ended = await ask('mutation { result: logout { revokedSessionId } }', session.token);
  if (ended) session.end = 'acknowledged';
}

/** Uses an ended session on another node. */
async function useAgain({ revived }: Ledger, { handle, token }: SessionEntry, ask: Ask): Promise<void> {
  if (await ask('{ result: currentSession { handle } }', token)) revived.add(handle);
}

/** Returns whether the change was acknowledged. If it was not, the token of the session is unknown. */
async function changePassword(
  user: UserEntry,
  { session, other }: { session: SessionEntry; other: SessionEntry | null },
  ask: Ask,
): Promise<boolean> {
  const next = randomUUID();
  user.askedPassword = next;
  if (other) other.end = 'asked';
  const changed = await ask(
    `mutation { result: changePassword(currentPassword: "${user.password}", newPassword: "${next}") {
      ... on ChangePasswordPayload { token } } }`,
    session.token,
  );
  if (!changed?.token) return false;
  Object.assign(user, { oldPassword: user.password, password: next, askedPassword: null });
  session.token = changed.token;
  if (other) other.end = 'acknowledged';
  return true;
}
