import { describe, expect, it } from 'vitest';
import { missingMigration } from '../../../scripts/drift.ts';
import { type Migration, migrationFolders, readMigrations } from '../../../src/database/migrations.ts';
import { migratePostgresql } from '../../../src/database/postgresql/migrate.ts';
import { blankDatabase } from '../../support/postgresql-databases.ts';
import { onServer } from '../../support/postgresql-server.ts';
import { runNode } from '../../support/process.ts';

const history = await readMigrations(migrationFolders.postgresql);

function migrateTo(url: string, migrations: Migration[]) {
  return migratePostgresql(url, migrations);
}

describe('migration history of PostgreSQL', () => {
  it('has the same steps as that of SQLite', async () => {
    const names = (await readMigrations(migrationFolders.sqlite)).map(({ name }) => name);
    expect(history.map(({ name }) => name)).toEqual(names);
  });

  it('leads to the models (npm run db:migrate -- <name> writes what is missing)', async () => {
    expect(await missingMigration('postgresql', history, await blankDatabase())).toBeNull();
  });

  it('differs from the models if a part of it is missing', async () => {
    const missing = await missingMigration('postgresql', history.slice(0, 2), await blankDatabase());
    expect(missing).toContain('CREATE INDEX "Session_expiresAt_idx"');
  });

  it('makes Session.user optional without losing a row, a value, a key, an index or the sequence of ids', async () => {
    const url = await blankDatabase();
    expect(await migrateTo(url, history.slice(0, 1))).toHaveLength(1);
    const text = `Zoë 🦄 O''Brien "; DROP TABLE "User"; --`;
    await onServer(
      url,
      `INSERT INTO "User" ("updatedAt", "name", "email", "hashedPassword", "role")
         SELECT now(), CASE WHEN i % 2 = 0 THEN '${text}' END, 'u' || i || '@x.org', '', 'user' FROM generate_series(1, 5) i;
       INSERT INTO "Session" ("updatedAt", "expiresAt", "handle", "userId", "hashedSessionToken", "antiCSRFToken", "publicData", "privateData")
         SELECT now(), '2099-06-15 13:37:42.123', 'h+/=' || i || ':ots', i % 4 + 1, 't' || i, '${text}', '{"userId":1}', 'not json'
         FROM generate_series(1, 50) i;
       DELETE FROM "Session" WHERE "id" > 40;
       DELETE FROM "User" WHERE "id" = 5`,
    );
    const rows = (table: string) => onServer(url, `SELECT * FROM "${table}" ORDER BY "id"`);
    const [users, sessions] = [await rows('User'), await rows('Session')];
    expect(await migrateTo(url, history.slice(0, 2))).toHaveLength(1);
    expect(await rows('User')).toEqual(users);
    expect(await rows('Session')).toHaveLength(40);
    expect(await rows('Session')).toEqual(sessions);
    const again = onServer(url, `UPDATE "Session" SET "handle" = 'h+/=1:ots' WHERE "id" = 2`);
    await expect(again).rejects.toThrow(/Session_handle_key/);
    await onServer(url, 'DELETE FROM "User" WHERE "id" = 1');
    expect(await onServer(url, 'SELECT count(*)::int AS n FROM "Session" WHERE "userId" IS NULL')).toEqual([{ n: 10 }]);
    const insert = `INSERT INTO "Session" ("updatedAt", "expiresAt", "handle") VALUES (now(), now(), 'new') RETURNING "id"`;
    expect(await onServer(url, insert)).toEqual([{ id: 51 }]);
  });
});

describe('migrations of PostgreSQL', () => {
  it('run once for five servers that start at the same time', { tags: ['slow/process'] }, async () => {
    const url = await blankDatabase();
    const runs = Array.from({ length: 5 }, () => runNode('src/cli.ts', ['migrate'], { DATABASE_URL: url }).ended);
    const said = (await Promise.all(runs)).map(({ code, stdout, stderr }) => `${code} ${stdout.trim()}${stderr}`);
    // A server that waits says so, after that.
    expect(said.filter((line) => line.startsWith('0 The database is up to date.'))).toHaveLength(4);
    const rows = await onServer(url, 'SELECT migration_name FROM _prisma_migrations ORDER BY 1');
    expect(rows).toEqual(history.map(({ name }) => ({ migration_name: name })));
  });

  it('leave the database unchanged when one fails, and name it', async () => {
    const url = await blankDatabase();
    await migrateTo(url, history);
    const tables = () =>
      onServer(url, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'`);
    const before = await tables();
    const sql = 'CREATE TABLE "Half" ("id" INTEGER);\nINSERT INTO "Nowhere" VALUES (1);';
    const broken = [...history, { name: '29990101000000_broken', sql }];
    await expect(migrateTo(url, broken)).rejects.toThrow(
      /^The migration 29990101000000_broken failed, and changed nothing: .*Nowhere/,
    );
    expect(await tables()).toEqual(before);
    const mended = [...history, { name: '29990101000000_broken', sql: 'CREATE TABLE "Whole" ("id" INTEGER);' }];
    expect(await migrateTo(url, mended)).toEqual(['29990101000000_broken']);
  });

  it('fail with a sentence, and without the user and the password, when there is no server', async () => {
    const url = 'postgresql://someone:their-password@127.0.0.1:1/nothing';
    const { code, stderr } = await runNode('src/cli.ts', ['migrate'], { DATABASE_URL: url }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^DATABASE_URL is "postgresql:\/\/\*\*\*@127\.0\.0\.1:1\/nothing", which cannot be used: .*\n$/,
    );
  });
});
