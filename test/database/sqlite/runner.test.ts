import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { migrationFolders, readMigrations } from '../../../src/database/migrations.ts';
import { migrateSqlite } from '../../../src/database/sqlite/migrate.ts';
import { openFile, temporaryFolder } from '../../support/database.ts';
import { runNode } from '../../support/process.ts';
import { applyByEngine, diagnoseByEngine, inSync } from '../../support/schema-engine.ts';

const history = await readMigrations(migrationFolders.sqlite);
const names = history.map(({ name }) => name);
const broken = {
  name: '29990101000000_broken',
  sql: 'CREATE TABLE "Half" ("id" INTEGER);\nINSERT INTO "Nowhere" VALUES (1);',
};
const mended = { name: broken.name, sql: 'CREATE TABLE "Whole" ("id" INTEGER);' };

async function newFile(): Promise<string> {
  return join(await temporaryFolder(), 'new.db');
}

function rowsOf(file: string, sql: string): unknown[] {
  return openFile(`file:${file}`).prepare(sql).all();
}

/** Returns the whole schema of SQLite. The first pages of its tables depend on when the history grew. */
function schemaOf(file: string): unknown[] {
  return rowsOf(file, 'SELECT type, name, tbl_name, sql FROM sqlite_schema');
}

/** Returns the rows of the history, without their unique values, and the types of all values. */
function historyOf(file: string): unknown[] {
  const columns = 'checksum, migration_name, logs, rolled_back_at, applied_steps_count, length(id)';
  const types = ['id', 'checksum', 'finished_at', 'migration_name', 'logs', 'started_at', 'applied_steps_count'];
  const typesOf = types.map((column) => `typeof(${column})`).join(', ');
  return rowsOf(file, `SELECT ${columns}, ${typesOf} FROM _prisma_migrations ORDER BY rowid`);
}

describe('migration runner of SQLite, compared with Prisma’s schema engine', () => {
  it('creates the same schema, byte for byte, and the same history', async () => {
    const [ours, theirs] = [await newFile(), await newFile()];
    expect(await migrateSqlite(ours, history)).toEqual(names);
    expect(await applyByEngine('sqlite', theirs, history)).toEqual(names);
    expect(schemaOf(ours)).toEqual(schemaOf(theirs));
    expect(historyOf(ours)).toHaveLength(history.length);
    expect(historyOf(ours)).toEqual(historyOf(theirs));
  });

  it('records a random id, and the start and end of each migration', async () => {
    const file = await newFile();
    const began = Date.now();
    await migrateSqlite(file, history);
    const ended = Date.now();
    const rows = rowsOf(file, 'SELECT id, started_at, finished_at FROM _prisma_migrations ORDER BY rowid') as {
      id: string;
      started_at: number;
      finished_at: number;
    }[];
    const times = rows.flatMap((row) => [row.started_at, row.finished_at]);
    expect([began, ...times, ended]).toEqual([began, ...times, ended].sort((a, b) => a - b));
    for (const { id } of rows)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(history.length);
  });

  it('leaves the engine nothing to do', async () => {
    const file = await newFile();
    await migrateSqlite(file, history);
    const before = [schemaOf(file), rowsOf(file, 'SELECT * FROM _prisma_migrations')];
    expect(await applyByEngine('sqlite', file, history)).toEqual([]);
    expect(await diagnoseByEngine('sqlite', file, history)).toEqual(inSync);
    expect([schemaOf(file), rowsOf(file, 'SELECT * FROM _prisma_migrations')]).toEqual(before);
  });

  it('finds nothing to do after the engine', async () => {
    const file = await newFile();
    await applyByEngine('sqlite', file, history);
    const before = [schemaOf(file), rowsOf(file, 'SELECT * FROM _prisma_migrations')];
    expect(await migrateSqlite(file, history)).toEqual([]);
    expect([schemaOf(file), rowsOf(file, 'SELECT * FROM _prisma_migrations')]).toEqual(before);
  });

  it.each([1, 5])(
    'continues where the engine stopped after %d, and the engine where this one stopped',
    async (done) => {
      const [ours, theirs] = [await newFile(), await newFile()];
      await applyByEngine('sqlite', ours, history.slice(0, done));
      expect(await migrateSqlite(ours, history)).toEqual(names.slice(done));
      await migrateSqlite(theirs, history.slice(0, done));
      expect(await applyByEngine('sqlite', theirs, history)).toEqual(names.slice(done));
      expect(schemaOf(ours)).toEqual(schemaOf(theirs));
      expect(historyOf(ours)).toEqual(historyOf(theirs));
    },
  );
});

describe('migration history of an SQLite database', () => {
  it('is refused with a failed migration, as by the engine, until an operator resolves it', async () => {
    const file = await newFile();
    await migrateSqlite(file, history);
    const database = openFile(`file:${file}`);
    database.exec(`INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', 'c', '${mended.name}')`);
    const before = schemaOf(file);
    await expect(applyByEngine('sqlite', file, [...history, mended])).rejects.toMatchObject({ code: 'P3009' });
    await expect(migrateSqlite(file, [...history, mended])).rejects.toThrow(
      /^The migration 29990101000000_broken failed earlier, and nothing was changed: .*finished_at nor rolled_back_at/,
    );
    expect(schemaOf(file)).toEqual(before);
    database.exec(`UPDATE _prisma_migrations SET finished_at = 1 WHERE id = '1'`);
    expect(await migrateSqlite(file, [...history, mended])).toEqual([]);
    database.exec(`UPDATE _prisma_migrations SET rolled_back_at = 1 WHERE id = '1'`);
    expect(await migrateSqlite(file, [...history, mended])).toEqual([mended.name]);
    database.exec(`UPDATE _prisma_migrations SET finished_at = NULL WHERE id = '1'`);
    expect(await applyByEngine('sqlite', file, [...history, mended])).toEqual([]);
    expect(await diagnoseByEngine('sqlite', file, [...history, mended])).toEqual(inSync);
  });

  it('is accepted with migrations of a newer version, or with files that were edited since', async () => {
    const file = await newFile();
    await migrateSqlite(file, [...history.slice(0, 3), mended]);
    const edited = history.map(({ name, sql }) => ({ name, sql: `${sql}-- edited\n` }));
    expect(await migrateSqlite(file, edited.slice(0, 3))).toEqual([]);
    expect(await migrateSqlite(file, edited.slice(0, 4))).toEqual(names.slice(3, 4));
    expect(await applyByEngine('sqlite', file, edited.slice(0, 4))).toEqual([]);
  });

  it('is not begun in a database with tables of another application', async () => {
    const file = await newFile();
    openFile(`file:${file}`).exec('CREATE TABLE "Song" ("id" INTEGER)');
    const before = schemaOf(file);
    await expect(applyByEngine('sqlite', file, history)).rejects.toMatchObject({ code: 'P3005' });
    await expect(migrateSqlite(file, history)).rejects.toThrow(/^The database contains tables of another application/);
    expect(schemaOf(file)).toEqual(before);
  });

  it('is not begun beside a table of users of another application, in any case', async () => {
    const file = await newFile();
    openFile(`file:${file}`).exec(`CREATE TABLE "user" ("id" INTEGER);
      CREATE TABLE "_prisma_migrations" ("migration_name" TEXT, "finished_at" DATETIME, "rolled_back_at" DATETIME)`);
    await expect(migrateSqlite(file, history)).rejects.toThrow(/^The database contains users of another application/);
  });
});

describe('migration runner of SQLite', () => {
  it('leaves nothing of a new database whose last migration fails, and repeats the message of SQLite', async () => {
    const file = await newFile();
    await expect(migrateSqlite(file, [...history, broken])).rejects.toThrow(
      'The migration 29990101000000_broken failed, and changed nothing: no such table: Nowhere',
    );
    expect(schemaOf(file)).toEqual([]);
    expect(await migrateSqlite(file, [...history, mended])).toEqual([...names, mended.name]);
  });

  it('leaves nothing if it stops at any statement', async () => {
    const file = await newFile();
    for (const done of history.keys()) {
      await expect(migrateSqlite(file, [...history.slice(0, done), broken])).rejects.toThrow(broken.name);
      expect(schemaOf(file)).toEqual([]);
    }
  });

  it('rebuilds a table without touching the rows that refer to it', async () => {
    const file = await newFile();
    await migrateSqlite(file, history.slice(0, 2));
    const database = openFile(`file:${file}`);
    database.exec(`
      INSERT INTO "User" ("updatedAt", "email", "hashedPassword", "role") VALUES (1, 'a@x.org', '', 'user');
      INSERT INTO "Session" ("updatedAt", "expiresAt", "handle", "userId") VALUES (1, 1, 'h', 1)`);
    const rebuilt = history.find(({ sql }) => sql.includes('DROP TABLE "User"'));
    expect(await migrateSqlite(file, history)).toContain(rebuilt?.name);
    expect(rowsOf(file, 'SELECT "userId" FROM "Session"')).toEqual([{ userId: 1 }]);
    expect(database.pragma('foreign_key_check')).toEqual([]);
  });

  it('runs once for concurrent callers', async () => {
    const file = await newFile();
    const results = await Promise.all(Array.from({ length: 4 }, () => migrateSqlite(file, history)));
    expect(results.filter((applied) => applied.length > 0)).toEqual([names]);
    expect(historyOf(file)).toHaveLength(history.length);
  });

  it('says so when another process holds the file', { tags: ['slow/timing'] }, async () => {
    const file = await newFile();
    await migrateSqlite(file, history);
    const other = openFile(`file:${file}`);
    other.exec('BEGIN IMMEDIATE');
    await expect(migrateSqlite(file, [...history, mended])).rejects.toThrow(
      'Migrating failed, and changed nothing: database is locked',
    );
    other.exec('ROLLBACK');
    expect(await migrateSqlite(file, [...history, mended])).toEqual([mended.name]);
  });

  it('leaves nothing when the process is killed', { tags: ['slow/durability'] }, async () => {
    const file = await newFile();
    const endless = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n';
    const code = `
      import { migrationFolders, readMigrations } from './src/database/migrations.ts';
      import { migrateSqlite } from './src/database/sqlite/migrate.ts';
      const history = await readMigrations(migrationFolders.sqlite);
      console.log('begins');
      await migrateSqlite(process.argv[1], [...history, { name: '${broken.name}', sql: '${endless}' }]);`;
    const migrating = runNode('--input-type=module', ['-e', code, file], {});
    await migrating.until(/begins/);
    const other = openFile(`file:${file}`);
    other.pragma('busy_timeout = 0');
    // The transaction has begun when no other one can begin; its statement never ends.
    const canWrite = () => {
      try {
        other.exec('BEGIN IMMEDIATE; ROLLBACK');
        return true;
      } catch {
        return false;
      }
    };
    await expect.poll(canWrite).toBe(false);
    await sleep(100);
    migrating.child.kill('SIGKILL');
    expect(await migrating.ended).toMatchObject({ code: null });
    expect(schemaOf(file)).toEqual([]);
    expect(await migrateSqlite(file, history)).toEqual(names);
  });
});
