/**
 * The minimum that a server must do to read a session and its user from a database: `node:http`, SHA-256, one prepared
 * join, JSON. No limits, no checks, no GraphQL. `/end` ends a session, by one prepared UPDATE.
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

const end = (handle: string, now: string) =>
  `UPDATE "Session" SET "hashedSessionToken" = NULL, "expiresAt" = ${now}, "updatedAt" = ${now}
   WHERE "handle" = ${handle} AND "hashedSessionToken" IS NOT NULL`;

type Source = {
  find(handle: string): Row | undefined | Promise<Row | undefined>;
  /** Ends a session, and returns the number of ended sessions. */
  end(handle: string): number | null | Promise<number | null>;
};

function openSqlite(): Source {
  const database = new BetterSqlite3(DATABASE_URL.slice('file:'.length));
  database.exec('PRAGMA synchronous = FULL');
  // With the cast, SQLite does not plan the join anew for every value.
  const finding = database.prepare<[string], Row>(join('CAST(? AS TEXT)'));
  const ending = database.prepare<[{ handle: string; now: number }]>(end('@handle', '@now'));
  return {
    find: (handle) => finding.get(handle),
    end: (handle) => ending.run({ handle, now: Date.now() }).changes,
  };
}

function openPostgresql(): Source {
  // The driver returns ids, of 64 bits, as text. Those of the data set are exact as numbers.
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
  const endText = end('$1', '$2::timestamp');
  return {
    find: async (handle) => (await pool.query<Row>({ name: 'join', text: join('$1'), values: [handle] })).rows[0],
    end: async (handle) => (await pool.query({ name: 'end', text: endText, values: [handle, new Date()] })).rowCount,
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
    const ended = source.end(request.url?.slice('/end/'.length) ?? '');
    return send(response, { ended: ended instanceof Promise ? await ended : ended });
  }
  const { handle, expiresAt, id, email, role, name } = row;
  send(response, { session: { handle, expiresAt: new Date(expiresAt), user: { id, email, role, name } } });
}).listen(Number(PORT), '127.0.0.1');
