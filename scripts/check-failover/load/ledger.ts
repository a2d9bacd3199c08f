/** The writes that were acknowledged to clients, and their comparison with the database. */
import { onServer } from '../../../test/support/postgresql-server.ts';

export type SessionEntry = {
  handle: string;
  token: string;
  /** The last acknowledged number in its data. */
  data: number;
  /** `asked`: its end was asked for and not acknowledged, so that both is right. */
  end: 'none' | 'asked' | 'acknowledged';
};

export type UserEntry = {
  email: string;
  /** The last acknowledged number in the name. */
  name: number;
  password: string;
  /** The password before the last acknowledged change. */
  oldPassword: string | null;
  /** The password of a change that was asked for and not acknowledged. */
  askedPassword: string | null;
};

export type Ledger = {
  sessions: Map<string, SessionEntry>;
  users: Map<string, UserEntry>;
  /** The handles of sessions that a server accepted after their acknowledged end. */
  revived: Set<string>;
};

/**
 * Compares the ledger with the rows of the database. Clients may go on writing meanwhile: numbers only grow. Returns a
 * sentence for each acknowledged write that is not there, and for each session that lives again or ended by itself.
 */
export async function compare(ledger: Ledger, databaseUrl: string): Promise<string[]> {
  const { sessions, users } = structuredClone(ledger);
  const rows = await onServer(databaseUrl, 'SELECT "handle", "hashedSessionToken", "publicData" FROM "Session"');
  const stored = new Map(rows.map((row) => [row.handle, row]));
  const people = await onServer(databaseUrl, 'SELECT "email", "name" FROM "User"');
  const names = new Map(people.map(({ email, name }) => [email, name]));
  const lost: string[] = [];
  for (const { handle, data, end } of sessions.values()) {
    const row = stored.get(handle);
    const isLive = row?.hashedSessionToken !== null;
    if (!row) lost.push(`The session ${handle} is lost.`);
    else if (isLive && end === 'acknowledged') lost.push(`The session ${handle} lives again.`);
    else if (isLive && numberIn(row.publicData) < data) lost.push(`Data of the session ${handle} is lost.`);
    // The copy is older than the rows.
    else if (!isLive && ledger.sessions.get(handle)?.end === 'none') lost.push(`The session ${handle} has ended.`);
  }
  for (const { email, name } of users.values()) {
    const has = names.get(email);
    if (has === undefined) lost.push(`The user ${email} is lost.`);
    else if (Number(has) < name) lost.push(`The name of ${email} is lost.`);
  }
  return lost;
}

function numberIn(publicData: string | null): number {
  return publicData === null ? 0 : Number(JSON.parse(publicData).n ?? 0);
}

/** Returns the number of acknowledged writes that the ledger holds. */
export function countWrites({ sessions, users }: Ledger): Record<string, number> {
  const entries = [...sessions.values()];
  const people = [...users.values()];
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    'session starts': entries.length,
    'session ends': entries.filter(({ end }) => end === 'acknowledged').length,
    'writes of data': sum(entries.map(({ data }) => data)),
    'sign-ups': people.length,
    names: sum(people.map(({ name }) => name)),
    passwords: people.filter(({ oldPassword }) => oldPassword !== null).length,
  };
}
