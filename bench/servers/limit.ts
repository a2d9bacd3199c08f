/**
 * The minimum that a server must do to read a session and its user from a database: `node:http`, SHA-256, one prepared
 * join, JSON. No limits, no checks, no GraphQL. `/end` ends sessions: an UPDATE and an INSERT in one transaction.
 */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import BetterSqlite3 from 'better-sqlite3';
import pg from 'pg';

// biome-ignore lint/style/noProcessEnv: how this server is started
const { DATABASE_URL = '', PORT } = process.env;

type Row = Record<'handle' | 'hash' | 'email' | 'role' | 'name', string> & { expiresAt: number | Date; id: number };

const join = (parameter: string) =>
  `SELECT s."handle", s."hashedSessionToken" AS hash, s."expiresAt", u."id", u."email", u."role", u."name"
   FROM "Session" s JOIN "User" u ON u."id" = s."userId" WHERE s."handle" = ${parameter}`;

/** Ends one session of a user, or all but one. */
const end = (condition: string, now: string) =>
  `UPDATE "Session" SET "hashedSessionToken" = NULL, "expiresAt" = ${now}, "updatedAt" = ${now}
   WHERE ${condition} AND "hashedSessionToken" IS NOT NULL AND "expiresAt" > ${now} RETURNING "handle"`;

const record = (rows: string) =>
  `INSERT INTO "AuditEvent" ("at", "type", "userId", "actorId", "sessionHandle") ${rows}`;

/** The handle of the session to end, or null for all others of the user. */
type Ending = { ended: string | null; row: Row };

type Source = {
  find(handle: string): Row | undefined | Promise<Row | undefined>;
  /** Ends sessions in a transaction, with an event for each, and returns their number. */
  end(ending: Ending): number | Promise<number>;
};

function openSqlite(): Source {
  const database = new BetterSqlite3(DATABASE_URL.slice('file:'.length));
  database.exec('PRAGMA synchronous = FULL');
  // With the cast, SQLite does not plan the join anew for every value.
  const finding = database.prepare<[string], Row>(join('CAST(? AS TEXT)'));
  const one = database.prepare<[object], Row>(end('"handle" = @ended', '@now'));
  const others = database.prepare<[object], Row>(end('"userId" = @userId AND "handle" <> @own', '@now'));
  const recording = database.prepare<[object]>(record("VALUES (@now, 'SESSION_REVOKED', @userId, @userId, @handle)"));
  const ending = database.transaction(({ ended, row }: Ending) => {
    const [now, userId] = [Date.now(), row.id];
    const rows = ended === null ? others.all({ userId, own: row.handle, now }) : one.all({ ended, now });
    for (const { handle } of rows) recording.run({ now, userId, handle });
    return rows.length;
  });
  return { find: (handle) => finding.get(handle), end: (which) => ending.immediate(which) };
}

function openPostgresql(): Source {
  // The driver returns ids, of 64 bits, as text. Those of the data set are exact as numbers.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
  // One statement is a transaction of its own, in one round trip.
  const ending = (condition: string) => `WITH ended AS (${end(condition, '$1::timestamp')}), recorded AS (
    ${record(`SELECT $1::timestamp, 'SESSION_REVOKED', $2, $2, "handle" FROM ended`)}) SELECT count(*) FROM ended`;
  const one = { name: 'one', text: ending('"handle" = $3 AND "userId" = $2') };
  const others = { name: 'others', text: ending('"handle" <> $3 AND "userId" = $2') };
  return {
    find: async (handle) => (await pool.query<Row>({ name: 'join', text: join('$1'), values: [handle] })).rows[0],
    async end({ ended, row }) {
      const values = [new Date(), row.id, ended ?? row.handle];
      const { rows } = await pool.query<{ count: number }>({ ...(ended === null ? others : one), values });
      return rows[0]?.count ?? 0;
    },
  };
}

const source = DATABASE_URL.startsWith('file:') ? openSqlite() : openPostgresql();

function send(response: ServerResponse, answer: object): void {
  const body = JSON.stringify(answer);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}

createServer(async (request, response) => {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
  const found = source.find(token.slice(0, 32));
  const row = found instanceof Promise ? await found : found;
  const hash = createHash('sha256').update(token).digest('hex');
  if (row?.hash !== hash || Number(row.expiresAt) <= Date.now()) return send(response, { session: null });
  if (request.url !== '/') {
    const which = request.url?.slice('/end/'.length) ?? '';
    const ended = source.end({ ended: which === 'others' ? null : which, row });
    return send(response, { ended: ended instanceof Promise ? await ended : ended });
  }
  const { handle, expiresAt, id, email, role, name } = row;
  send(response, { session: { handle, expiresAt: new Date(expiresAt), user: { id, email, role, name } } });
}).listen(Number(PORT), '127.0.0.1');
