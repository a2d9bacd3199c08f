/** The data set for every server: users with sessions. Tokens are derived again instead of being stored. */
import { createHash } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import BetterSqlite3 from 'better-sqlite3';
import pg from 'pg';
import { readConfig } from '../src/config/config.ts';
import { migrateDatabase } from '../src/database/database.ts';
import { hashToken } from '../src/tokens/token.ts';

export const password = 'correct horse battery staple';

export type Dataset = {
  users: number;
  sessions: number;
  /** The expiry of every session, in the form that servers write. */
  expiresAt: string;
};

const day = 86_400_000;

/**
 * Returns a data set with a third as many users as sessions. No session becomes due for a recorded use during a
 * measurement.
 */
export function datasetOf(sessions: number): Dataset {
  return { users: Math.ceil(sessions / 3), sessions, expiresAt: new Date(Date.now() + 7 * day).toISOString() };
}

/**
 * Returns the user of a session. Session `i` belongs to user `i`, and the users repeat. Both count from 1, as their ids
 * do.
 */
export function userIdOf(session: number, { users }: Pick<Dataset, 'users'>): number {
  return ((session - 1) % users) + 1;
}

export function userOf(id: number) {
  return { id, email: `user${id}@example.com`, name: `User ${id}`, role: id === 1 ? 'admin' : 'user' };
}

export function handleOf(session: number): string {
  return createHash('md5').update(`handle ${session}`).digest('hex');
}

export function tokenOf(session: number): string {
  return `${handleOf(session)}.${createHash('sha256').update(`secret ${session}`).digest('base64url')}`;
}

/** The service client that verifies sessions. */
export const service = (() => {
  const clientId = createHash('md5').update('client').digest('hex');
  return { clientId, secret: `gqk_${clientId}.${createHash('sha256').update('client').digest('base64url')}` };
})();

const insertService = `INSERT INTO "ServiceClient" ("name", "clientId", "hashedSecret", "scopes")
  VALUES ('bench', '${service.clientId}', '${hashToken(service.secret)}', 'introspect')`;

/** Returns a global id in the form of the server. */
export function globalId(type: 'User' | 'Session', id: number): string {
  return Buffer.from(`${type}:${id}`).toString('base64url');
}

async function passwordHash(): Promise<string> {
  const { memoryKiB, passes, lanes } = readConfig({}).passwords;
  return hash(password, { memoryCost: memoryKiB, timeCost: passes, parallelism: lanes });
}

const userColumns = '("createdAt", "updatedAt", "name", "email", "hashedPassword", "role")';
const sessionColumns = `("createdAt", "updatedAt", "lastSeenAt", "authenticatedAt", "expiresAt", "handle", "userId",
  "hashedSessionToken", "antiCSRFToken", "userAgent", "ipAddress")`;

/** Creates an SQLite file with the data set. */
export async function fillSqlite(file: string, data: Dataset): Promise<void> {
  await migrateDatabase(`file:${file}`);
  const database = new BetterSqlite3(file);
  database.exec('PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -1000000');
  const now = Date.now();
  const expiresAt = Date.parse(data.expiresAt);
  const hashed = await passwordHash();
  const indexes = database
    .prepare<[], { name: string; sql: string }>(
      `SELECT "name", "sql" FROM "sqlite_master" WHERE "type" = 'index' AND "tbl_name" = 'Session' AND "sql" IS NOT NULL`,
    )
    .all();
  const insertUser = database.prepare(`INSERT INTO "User" ${userColumns} VALUES (?, ?, ?, ?, ?, ?)`);
  const insertSession = database.prepare(
    `INSERT INTO "Session" ${sessionColumns} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'curl/8.5.0', '203.0.113.5')`,
  );
  database.transaction(() => {
    for (const { name } of indexes) database.exec(`DROP INDEX "${name}"`);
    for (let id = 1; id <= data.users; id += 1) {
      const { name, email, role } = userOf(id);
      insertUser.run(now, now, name, email, hashed, role);
    }
    for (let i = 1; i <= data.sessions; i += 1) {
      const [handle, hashedToken] = [handleOf(i), hashToken(tokenOf(i))];
      insertSession.run(now, now, now, now, expiresAt, handle, userIdOf(i, data), hashedToken, handle);
    }
    for (const { sql } of indexes) database.exec(sql);
    database.exec(insertService);
  })();
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

/** Fills an empty PostgreSQL database with the data set. PostgreSQL itself derives the tokens. */
export async function fillPostgresql(url: string, data: Dataset): Promise<void> {
  await migrateDatabase(url);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const at = `to_timestamp($1::float8 / 1000) AT TIME ZONE 'UTC'`;
  await client.query(
    `INSERT INTO "User" ${userColumns}
     SELECT ${at}, ${at}, 'User ' || i, 'user' || i || '@example.com', $2, CASE i WHEN 1 THEN 'admin' ELSE 'user' END
     FROM generate_series(1, $3::int) i`,
    [Date.now(), await passwordHash(), data.users],
  );
  const { rows: indexes } = await client.query<{ indexname: string; indexdef: string }>(
    `SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'Session' AND indexname <> 'Session_pkey'`,
  );
  for (const { indexname } of indexes) await client.query(`DROP INDEX "${indexname}"`);
  await client.query(
    `INSERT INTO "Session" ${sessionColumns}
     SELECT ${at}, ${at}, ${at}, ${at}, to_timestamp($2::float8 / 1000) AT TIME ZONE 'UTC', handle, (i - 1) % $3::int + 1,
       encode(sha256((handle || '.' || secret)::bytea), 'hex'), handle, 'curl/8.5.0', '203.0.113.5'
     FROM (SELECT i, md5('handle ' || i) AS handle,
       rtrim(translate(encode(sha256(('secret ' || i)::bytea), 'base64'), '+/', '-_'), '=') AS secret
       FROM generate_series(1, $4::int) i) AS made`,
    [Date.now(), Date.parse(data.expiresAt), data.users, data.sessions],
  );
  await client.query(`SET maintenance_work_mem = '512MB'`);
  for (const { indexdef } of indexes) await client.query(indexdef);
  await client.query(insertService);
  await client.query('VACUUM ANALYZE');
  await client.end();
}
