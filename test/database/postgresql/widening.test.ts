/** @module-tag slow/migration */
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Database,
  hasNarrowIds,
  migrateDatabase,
  openDatabase,
  widenIds,
} from '../../../src/database/database.ts';
import { migrationFolders, readMigrations } from '../../../src/database/migrations.ts';
import { migratePostgresql } from '../../../src/database/postgresql/migrate.ts';
import { createApp } from '../../../src/http/front-door.ts';
import { Client, startApi } from '../../support/api.ts';
import { emptyDatabase } from '../../support/database.ts';
import { globalIds, startIdsAfter, storedIds } from '../../support/ids.ts';
import { blankDatabase } from '../../support/postgresql-databases.ts';
import { onServer } from '../../support/postgresql-server.ts';

const widening = '20261126133000_64_bit_ids';
const history = await readMigrations(migrationFolders.postgresql);
const missing = history.map(({ name }) => name).filter((name) => name >= widening);

/** The tables of the version before. Newer ones have ids of 64 bits from the start. */
const tablesOfBefore = ['User', 'Session', 'AuditEvent', 'UserToken', 'Mail'];

/** A database as the version before left it: ids of 32 bits, and a user. */
async function databaseOfBefore(): Promise<string> {
  const url = await blankDatabase();
  await migratePostgresql(
    url,
    history.filter(({ name }) => name < widening),
  );
  await onServer(url, `INSERT INTO "User" ("updatedAt", "email", "role") VALUES (now(), 'old@example.com', 'user')`);
  return url;
}

/** A connection as a server of any version has one. */
async function connectAsServer(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'graphql-sessions' });
  await client.connect();
  return client;
}

/** A database that is open as that of a server, and clients of the server. */
async function serve(url: string): Promise<{ database: Database; reported: unknown[]; client: () => Client }> {
  const database = await openDatabase(url, { poolSize: 3 });
  onTestFinished(() => database.$disconnect());
  const { config } = await startApi();
  const reported: unknown[] = [];
  const app = createApp({ database, config, report: (error) => reported.push(error) });
  return { database, reported, client: () => new Client(app, config.publicUrl) };
}

/** The types of all columns of ids, and of all sequences, of the tables of the version before. */
async function typesIn(url: string): Promise<string[]> {
  const list = tablesOfBefore.map((table) => `'${table}'`).join(', ');
  const rows = await onServer(
    url,
    `SELECT format_type("atttypid", NULL) AS "type" FROM pg_attribute JOIN pg_class c ON c."oid" = "attrelid"
         WHERE c."relkind" = 'r' AND c."relnamespace" = 'public'::regnamespace AND "attname" IN ('id', 'userId', 'actorId')
           AND c."relname" IN (${list})
       UNION SELECT "data_type"::text FROM pg_sequences WHERE split_part("sequencename", '_', 1) IN (${list})`,
  );
  return rows.map(({ type }) => String(type));
}

describe('a database of the version before', () => {
  it('keeps ids of 32 bits while a server is connected, and works', async () => {
    const url = await databaseOfBefore();
    const server = await connectAsServer(url);
    expect(await migrateDatabase(url)).toEqual(missing);
    expect(await typesIn(url)).toEqual(['integer']);
    const { database, reported, client } = await serve(url);
    expect(hasNarrowIds(database)).toBe(true);
    const ada = client();
    await ada.signUp('ada@example.com', 'BEARER');
    const { session } = await client().login('ada@example.com', 'BEARER');
    const { viewer } = await ada.ask('{ viewer { sessions { id } auditEvents { totalCount } } }');
    expect([viewer.sessions[0].id, viewer.auditEvents.totalCount]).toEqual([session.id, 2]);
    const revoke = (id: string) => ada.act('revoke', { id }, '... on RevokePayload { revokedSessionId }');
    expect((await revoke(session.id)).revokedSessionId).toBe(session.id);
    // No statement may be given what its column does not hold.
    for (const id of globalIds('Session', [2n ** 31n, 2n ** 63n - 1n])) {
      expect((await revoke(id)).__typename).toBe('SessionNotFoundError');
    }
    expect(reported).toEqual([]);
    await server.end();
  });

  it('has ids of 64 bits from a start on at which no server is connected, rows and all', async () => {
    const url = await databaseOfBefore();
    const server = await connectAsServer(url);
    await migrateDatabase(url);
    await server.end();
    await expect.poll(async () => (await migrateDatabase(url)) && (await typesIn(url))).toEqual(['bigint']);
    await startIdsAfter({ url }, 2n ** 33n);
    const { reported, client } = await serve(url);
    await client().signUp('ada@example.com');
    expect(await storedIds({ url }, 'User')).toEqual([1n, 2n ** 33n + 1n]);
    expect(reported).toEqual([]);
  });

  it('has them at once where several servers start and none ran', async () => {
    const url = await databaseOfBefore();
    const names = await Promise.all([1, 2, 3].map(() => migrateDatabase(url)));
    expect(names.flat().sort()).toEqual(missing);
    expect(await typesIn(url)).toEqual(['bigint']);
  });

  it('is widened on request under servers that run, which go on', async () => {
    const url = await databaseOfBefore();
    const server = await connectAsServer(url);
    await migrateDatabase(url);
    const { reported, client } = await serve(url);
    const ada = client();
    await ada.signUp('ada@example.com', 'BEARER');
    const ask = () => ada.ask('{ viewer { email sessions { id user { email } } } }');
    const before = await ask();
    expect([await widenIds(url), await widenIds(url)]).toEqual([true, false]);
    expect(await typesIn(url)).toEqual(['bigint']);
    expect(await ask()).toEqual(before);
    await startIdsAfter({ url }, 2n ** 33n);
    expect((await ada.login('ada@example.com', 'BEARER')).__typename).toBe('SignInPayload');
    expect((await storedIds({ url }, 'Session')).at(-1)).toBe(2n ** 33n + 1n);
    expect(await ada.ask('mutation { logout { revokedSessionId } }')).toEqual({
      logout: { revokedSessionId: globalIds('Session', [2n ** 33n + 1n])[0] },
    });
    expect(reported).toEqual([]);
    await server.end();
  });

  it('may have counters of any name and kind', async () => {
    const url = await databaseOfBefore();
    await onServer(
      url,
      `CREATE SEQUENCE "counter of users" AS INTEGER START 2;
       ALTER TABLE "User" ALTER COLUMN "id" SET DEFAULT nextval('"counter of users"');
       DROP SEQUENCE "User_id_seq";
       ALTER TABLE "Session" ALTER COLUMN "id" DROP DEFAULT;
       DROP SEQUENCE "Session_id_seq";
       ALTER TABLE "Session" ALTER COLUMN "id" ADD GENERATED BY DEFAULT AS IDENTITY`,
    );
    await migrateDatabase(url);
    expect(await typesIn(url)).toEqual(['bigint']);
    const ends = await onServer(url, 'SELECT DISTINCT "max_value"::text AS "end" FROM pg_sequences');
    expect(ends).toEqual([{ end: String(2n ** 63n - 1n) }]);
    const count = 'SELECT count(*)::int AS "count" FROM pg_sequences';
    expect(await onServer(url, count)).toEqual(await onServer(await emptyDatabase(), count));
  });

  it('keeps ids of 32 bits, and a server that starts, where something is in the way', async () => {
    const url = await databaseOfBefore();
    await onServer(url, 'CREATE VIEW "Members" AS SELECT "id" FROM "User"');
    expect(await migrateDatabase(url)).toEqual(missing);
    expect(await typesIn(url)).toEqual(['integer']);
    await expect(widenIds(url)).rejects.toThrow(/^The ids keep 32 bits, and nothing was changed: .*view/);
    await onServer(url, 'DROP VIEW "Members"');
    expect(await widenIds(url)).toBe(true);
  });

  it('waits for transactions of servers, in whatever order they lock, and is in the way of none', async () => {
    const url = await databaseOfBefore();
    const server = await connectAsServer(url);
    await migrateDatabase(url);
    await server.query('BEGIN');
    await server.query(`UPDATE "Session" SET "updatedAt" = now()`);
    const widened = widenIds(url);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await server.query(`UPDATE "User" SET "updatedAt" = now()`);
    await server.query('COMMIT');
    expect(await widened).toBe(true);
    await server.end();
  });
});
