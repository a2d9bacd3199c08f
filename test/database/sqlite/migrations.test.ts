import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { version as engineVersion } from '@prisma/schema-engine-wasm/schema_engine_bg';
import { describe, expect, it } from 'vitest';
import { missingMigration, withAutoincrementMemory } from '../../../scripts/drift.ts';
import { readModels } from '../../../scripts/models.ts';
import { openSchemaEngine } from '../../../scripts/schema-engine.ts';
import { migrateDatabase, openDatabase } from '../../../src/database/database.ts';
import { type Migration, migrationFolders, readMigrations } from '../../../src/database/migrations.ts';
import { migrateSqlite } from '../../../src/database/sqlite/migrate.ts';
import { sqliteAdapter } from '../../../src/database/sqlite/open.ts';
import { emptyDatabase, openFile, temporaryFolder } from '../../support/database.ts';

const run = promisify(execFile);
const history = await readMigrations(migrationFolders.sqlite);
const models = await readModels('sqlite');
const seedStates = ['20200627163756', '20200704181258'];

async function scratchFile(): Promise<string> {
  return join(await temporaryFolder(), 'scratch.db');
}

async function migrateTo(file: string, migrations: Migration[]) {
  return migrateSqlite(file, migrations);
}

describe('migration history of SQLite', () => {
  it('begins with the two states of the seed', () => {
    expect(history.slice(0, 2).map(({ name }) => name.slice(0, 14))).toEqual(seedStates);
  });

  it('leads to the models (npm run db:migrate -- <name> writes what is missing)', async () => {
    expect(await missingMigration('sqlite', history, await scratchFile())).toBeNull();
  });

  it('differs from the models if a part of it is missing', async () => {
    const missing = await missingMigration('sqlite', history.slice(0, 2), await scratchFile());
    expect(missing).toContain('CREATE INDEX "Session_expiresAt_idx"');
    // Only such a column is the number of the row, and is counted on.
    expect(missing).toContain('"id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT');
    expect(missing).not.toContain('BIGINT');
  });

  it('is compared by the engine of the installed Prisma', async () => {
    const { dependencies } = JSON.parse(await readFile('node_modules/@prisma/engines/package.json', 'utf8'));
    const engine = await openSchemaEngine(models, sqliteAdapter(join(await temporaryFolder(), 'x.db')));
    expect(engine).toBeDefined();
    expect(dependencies['@prisma/engines-version']).toBe(
      JSON.parse(await readFile('node_modules/@prisma/schema-engine-wasm/package.json', 'utf8')).version,
    );
    expect(dependencies['@prisma/engines-version']).toContain(engineVersion());
  });

  it('makes Session.user optional without losing a row, a value, a key, an index or the AUTOINCREMENT memory', async () => {
    const file = join(await temporaryFolder(), 'seed.db');
    expect(await migrateTo(file, history.slice(0, 1))).toHaveLength(1);
    const url = `file:${file}`;
    const before = openFile(url);
    const insertUser = before.prepare(
      `INSERT INTO "User" ("updatedAt", "name", "email", "hashedPassword", "role") VALUES (?, ?, ?, ?, ?)`,
    );
    const insertSession = before.prepare(
      `INSERT INTO "Session" ("createdAt", "updatedAt", "expiresAt", "handle", "userId", "hashedSessionToken",
        "antiCSRFToken", "publicData", "privateData") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    const text = `Zoë 🦄 O'Brien "; DROP TABLE "User"; --`;
    for (let id = 1; id <= 5; id += 1)
      insertUser.run(1593880687000 + id, id % 2 ? text : null, `u${id}@x.org`, '', 'user');
    for (let id = 1; id <= 50; id += 1) {
      const dates = [1593880687001, '2020-07-04 18:12:58', 4085904000123n];
      insertSession.run(...dates, `h+/=${id}:ots`, (id % 4) + 1, `t${id}`, text, '{"userId":1}', 'not json');
    }
    before.prepare('DELETE FROM "Session" WHERE "id" > 40').run();
    before.prepare('DELETE FROM "User" WHERE "id" = 5').run();
    const rows = (table: string) => before.prepare(`SELECT * FROM "${table}" ORDER BY "id"`).all();
    const users = rows('User');
    const sessions = rows('Session');

    expect(await migrateTo(file, history.slice(0, 2))).toHaveLength(1);

    expect(rows('User')).toEqual(users);
    expect(rows('Session')).toHaveLength(40);
    expect(rows('Session')).toEqual(sessions);
    const after = openFile(url);
    after.pragma('foreign_keys = ON');
    expect(after.pragma('foreign_key_check')).toEqual([]);
    expect(after.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    expect(after.pragma('foreign_key_list("Session")')).toMatchObject([
      { table: 'User', from: 'userId', to: 'id', on_delete: 'SET NULL', on_update: 'CASCADE' },
    ]);
    expect(() => after.prepare(`UPDATE "Session" SET "handle" = 'h+/=1:ots' WHERE "id" = 2`).run()).toThrow(/UNIQUE/);
    const columns = after.pragma('table_info("Session")') as { name: string; notnull: 0 | 1 }[];
    const nullable = columns.filter((column) => !column.notnull).map((column) => column.name);
    expect(nullable.sort()).toEqual(
      ['antiCSRFToken', 'hashedSessionToken', 'privateData', 'publicData', 'userId'].sort(),
    );
    after.prepare('DELETE FROM "User" WHERE "id" = 1').run();
    expect(after.prepare('SELECT count(*) AS orphans FROM "Session" WHERE "userId" IS NULL').get()).toEqual({
      orphans: 10,
    });
    const insert = `INSERT INTO "Session" ("updatedAt", "expiresAt", "handle") VALUES (1, 1, 'new') RETURNING "id"`;
    expect(after.prepare(insert).get()).toEqual({ id: 51 });
  });

  it('carries the AUTOINCREMENT memory over even if no row is left', async () => {
    const file = join(await temporaryFolder(), 'empty.db');
    await migrateTo(file, history.slice(0, 1));
    const database = openFile(`file:${file}`);
    database.prepare(`INSERT INTO "sqlite_sequence" ("name", "seq") VALUES ('Session', 77)`).run();
    await migrateTo(file, history);
    const insert = `INSERT INTO "Session" ("updatedAt", "expiresAt", "handle") VALUES (1, 1, 'new') RETURNING "id"`;
    expect(database.prepare(insert).get()).toEqual({ id: 78 });
  });
});

describe('migrations of SQLite', () => {
  it('are safe in two concurrent processes', { tags: ['slow/process'] }, async () => {
    const url = `file:${join(await temporaryFolder(), 'new.db')}`;
    const migrate = () => run(process.execPath, ['src/cli.ts', 'migrate'], { env: { DATABASE_URL: url } });
    const outputs = await Promise.all([migrate(), migrate(), migrate()]);
    const said = outputs.map(({ stdout }) => stdout.trim());
    expect(said.filter((line) => line === 'The database is up to date.')).toHaveLength(2);
    const applied = openFile(url).prepare('SELECT migration_name FROM _prisma_migrations ORDER BY 1').all();
    expect(applied).toEqual(history.map(({ name }) => ({ migration_name: name })));
  });

  it('leave the database unchanged when one fails', async () => {
    const file = join(await temporaryFolder(), 'failing.db');
    await migrateTo(file, history);
    const contents = () => openFile(`file:${file}`).prepare('SELECT sql FROM sqlite_schema').all();
    const before = contents();
    const sql = 'CREATE TABLE "Half" ("id" INTEGER);\nINSERT INTO "Nowhere" VALUES (1);';
    const broken = [...history, { name: '29990101000000_broken', sql }];
    await expect(migrateTo(file, broken)).rejects.toThrow(
      /^The migration 29990101000000_broken failed, and changed nothing/,
    );
    expect(contents()).toEqual(before);
    const mended = [...history, { name: '29990101000000_broken', sql: 'CREATE TABLE "Whole" ("id" INTEGER);' }];
    expect(await migrateTo(file, mended)).toEqual(['29990101000000_broken']);
  });

  it('keep the table that prisma migrate knows', async () => {
    const file = openFile(await emptyDatabase());
    const rows = file.prepare('SELECT migration_name, checksum, applied_steps_count FROM _prisma_migrations').all();
    expect(rows).toEqual(
      history.map(({ name, sql }) => ({
        migration_name: name,
        checksum: createHash('sha256').update(sql).digest('hex'),
        applied_steps_count: 1,
      })),
    );
  });

  it('create the folder of the file, or report that they cannot', async () => {
    const folder = await temporaryFolder();
    await migrateDatabase(`file:${join(folder, 'a/b/c.db')}`);
    expect(await readdir(join(folder, 'a/b'))).toContain('c.db');
    await writeFile(join(folder, 'file'), '');
    const impossible = openDatabase(`file:${join(folder, 'file/x.db')}`);
    await expect(impossible).rejects.toThrow(/^DATABASE_URL names .*file\/x\.db, whose folder cannot be created/);
  });
});

describe('npm run db:migrate', () => {
  it('writes a migration for the difference between the models and the history', {
    tags: ['slow/process'],
  }, async () => {
    const folder = await temporaryFolder();
    for (const part of ['src', 'scripts', 'prisma', 'test', 'package.json']) {
      await cp(part, join(folder, part), { recursive: true });
    }
    await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
    const migrate = (name: string) => run(process.execPath, ['scripts/db-migrate.ts', name], { cwd: folder });
    expect((await migrate('nothing')).stdout.match(/Nothing was written/g)).toHaveLength(2);
    const changed = models.replace(/role +String/, 'role String?');
    await writeFile(join(folder, 'prisma/schema.prisma'), changed);
    await migrate('optional_role');
    const [written] = (await readdir(join(folder, 'prisma/migrations'))).filter((name) =>
      name.endsWith('_optional_role'),
    );
    const sql = await readFile(join(folder, 'prisma/migrations', written ?? '', 'migration.sql'), 'utf8');
    expect(sql).toContain('"role" TEXT,\n');
    expect(sql).toContain(`SELECT 'new_User', "seq" FROM "sqlite_sequence" WHERE "name" = 'User'`);
    const same = await readFile(join(folder, 'prisma/postgresql/migrations', written ?? '', 'migration.sql'), 'utf8');
    expect(same).toContain('ALTER COLUMN "role" DROP NOT NULL');
    await expect(migrate('Bad Name')).rejects.toMatchObject({ code: 2 });
  });

  it('carries the AUTOINCREMENT memory over wherever a table is rebuilt', () => {
    const sql = 'DROP TABLE "A";\nALTER TABLE "new_A" RENAME TO "A";\nDROP TABLE "B";\n';
    const result = withAutoincrementMemory(sql);
    expect(result.match(/INSERT INTO "sqlite_sequence"/g)).toHaveLength(1);
    expect(result).toContain('DROP TABLE "B";');
  });
});
