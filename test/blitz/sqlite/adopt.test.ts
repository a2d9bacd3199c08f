import { chmod, copyFile, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectDatabase } from '../../../src/blitz/adopt/adopt.ts';
import { claimDatabase, migrateDatabase } from '../../../src/database/database.ts';
import { adopt, adoptionNow, blitz, blitzFile } from '../../support/blitz.ts';
import { type Member, members, sqliteStatements } from '../../support/blitz-members.ts';
import { emptyDatabase, openFile, temporaryFolder } from '../../support/database.ts';
import { runNode } from '../../support/process.ts';

type Value = string | number | bigint | null;
type Dump = Record<string, Record<string, Value>[]>;

/** Returns every table with every value as an SQL literal, so that each change of a type shows. */
function dump(database: BetterSqlite3.Database): Dump {
  const tables = database
    .prepare<[], string>(`SELECT "name" FROM "sqlite_schema" WHERE "type" = 'table' ORDER BY "name"`)
    .pluck()
    .all();
  const rows = tables.map((table) => {
    const columns = (database.pragma(`table_info("${table}")`) as { name: string }[]).map(({ name }) => name);
    const written = columns.map((name) => `quote("${name}") AS "${name}"`).join(', ');
    const order = columns.includes('id') ? '"id"' : '1';
    return [table, database.prepare(`SELECT ${written} FROM "${table}" ORDER BY ${order}`).all()] as const;
  });
  return Object.fromEntries(rows) as Dump;
}

/** The objects with their own statements: triggers, views and indexes. */
function objects(database: BetterSqlite3.Database) {
  const sql = `SELECT "type", "name", "tbl_name", "sql" FROM "sqlite_schema" WHERE "type" <> 'table' AND "sql" IS NOT NULL`;
  return database.prepare<[], { type: string; name: string; sql: string }>(sql).all();
}

const familyIndexes = /^(User|Session)[._](email|handle)(_unique|_key)?$/;

async function build(member: Member): Promise<string> {
  const file = join(await temporaryFolder(), 'member.db');
  const database = new BetterSqlite3(file);
  database.pragma('foreign_keys = OFF');
  for (const sql of sqliteStatements(member)) database.exec(sql);
  database.close();
  return `file:${file}`;
}

/** Returns the columns and the foreign keys of a table, by name: their order differs between the variants. */
function shapeOf(database: BetterSqlite3.Database, table: string) {
  const columns = database.pragma(`table_info("${table}")`) as { name: string; type: string; notnull: 0 | 1 }[];
  return {
    columns: Object.fromEntries(columns.map(({ name, type, notnull }) => [name, { type, notnull }])),
    keys: database.pragma(`foreign_key_list("${table}")`),
  };
}

const times = ['createdAt', 'updatedAt', 'expiresAt'];
const plainText = `'hunter2hunter2'`;

/** Returns the adopted value for a value of User or Session, in the form of `quote`. */
function expected(column: string, value: Value): Value {
  const text = String(value);
  if (column === 'hashedPassword' && value === plainText) return 'NULL';
  if (!times.includes(column)) return value;
  if (value === 'NULL') return String(adoptionNow.getTime() + 30 * 86_400_000);
  if (!text.startsWith("'")) return value;
  const iso = text.slice(1, -1).replace(' ', 'T');
  return String(Date.parse(iso.endsWith('+00:00') ? iso : `${iso}Z`));
}

function expectKept(before: Dump, after: Dump): void {
  for (const [table, rows] of Object.entries(before)) {
    if (table === '_prisma_migrations' || table === 'sqlite_sequence') {
      expect(after[table], table).toEqual(expect.arrayContaining(rows));
    } else if (table === 'User' || table === 'Session') {
      const wanted = rows.map((row) => Object.entries(row).map(([name, value]) => [name, expected(name, value)]));
      expect(after[table], table).toMatchObject(wanted.map((row) => Object.fromEntries(row)));
      expect(after[table], table).toHaveLength(rows.length);
    } else expect(after[table], table).toEqual(rows);
  }
}

describe('adoption of a variant of the schema', () => {
  it('loses no data, and results in the schema of this server', {
    tags: ['slow/property'],
  }, async () => {
    const fresh = openFile(await emptyDatabase());
    await fc.assert(
      fc.asyncProperty(members, async (member) => {
        const url = await build(member);
        const file = new BetterSqlite3(url.slice('file:'.length));
        try {
          const [before, objectsBefore] = [dump(file), objects(file)];
          await adopt(url, { plaintext: 'reset' });
          const after = dump(file);
          expectKept(orphansFreed(before), after);
          const kept = objectsBefore.filter(({ name }) => !familyIndexes.test(name));
          expect(objects(file)).toEqual(expect.arrayContaining(kept));
          for (const table of ['User', 'Session', 'UserToken', 'Mail']) {
            expect(shapeOf(file, table), table).toMatchObject(shapeOf(fresh, table));
          }
          expect(objects(file)).toEqual(expect.arrayContaining(objects(fresh)));
          expect(file.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
          const strangers = ['Post', 'Token'];
          const broken = file.pragma('foreign_key_check') as { table: string }[];
          expect(broken.filter(({ table }) => !strangers.includes(table))).toEqual([]);
          expect(await migrateDatabase(url)).toEqual([]);
          expect(await adopt(url)).toBeNull();
          expect(dump(file)).toEqual(after);
        } finally {
          file.close();
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** A session of a missing user has no user. Some variants allowed that, because they enforced no foreign keys. */
function orphansFreed(before: Dump): Dump {
  const ids = new Set(before.User?.map(({ id }) => id));
  const sessions = before.Session?.map((row) => (ids.has(row.userId ?? null) ? row : { ...row, userId: 'NULL' }));
  return { ...before, Session: sessions ?? [] };
}

describe('adoption of a handwritten schema', () => {
  it('keeps the constraints of a column beside its type', async () => {
    const file = join(await temporaryFolder(), 'by hand.db');
    const database = openFile(`file:${file}`);
    database.pragma('journal_mode = WAL');
    database.pragma('foreign_keys = OFF');
    database.exec(`
      CREATE TABLE User ( -- (who
        [id] integer not null primary key autoincrement, email varchar(191) not null collate nocase unique,
        \`createdAt\` timestamp not null default current_timestamp, updatedAt date not null,
        hashedPassword text constraint "not, null" check (hashedPassword is not null), role text default null not null
        /* no name */);
      CREATE TABLE "Session" (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, createdAt DATETIME NOT NULL, updatedAt DATETIME NOT NULL,
        expiresAt DATETIME, handle TEXT NOT NULL UNIQUE, userId INT REFERENCES User(id) ON DELETE CASCADE,
        hashedSessionToken TEXT, antiCSRFToken TEXT, "no, default" TEXT GENERATED ALWAYS AS (handle || '!') VIRTUAL -- last
      );
      CREATE INDEX "Session_expiresAt_idx" ON Session(expiresAt);
      CREATE UNIQUE INDEX "whoever" ON "Session"("handle" COLLATE NOCASE);
      CREATE TRIGGER "touch" AFTER UPDATE ON user BEGIN UPDATE User SET "role" = 'touched' WHERE "id" = NEW."id"; END;
      INSERT INTO User VALUES (3, 'Ada@Example.com', '2020-07-04 18:12:58', 1, 'x', 'user');
      INSERT INTO Session (createdAt, updatedAt, handle, userId) VALUES (1, 1, 'h:ots', 3), (1, 1, 'i:ots', 4);`);
    await adopt(`file:${file}`);
    const { columns, keys } = shapeOf(openFile(`file:${file}`), 'Session');
    expect(keys).toMatchObject([{ from: 'userId', on_delete: 'SET NULL' }]);
    expect(columns).toMatchObject({ publicData: { type: 'TEXT', notnull: 0 }, userId: { type: 'INTEGER' } });
    const rows = database.prepare(`SELECT "userId", "no, default" AS "generated" FROM "Session"`).all();
    expect(rows).toEqual([
      { userId: 3, generated: 'h:ots!' },
      { userId: null, generated: 'i:ots!' },
    ]);
    expect(database.prepare(`SELECT "id" FROM "User" WHERE "email" = 'ADA@example.com'`).get()).toEqual({ id: 3 });
    expect(database.prepare('SELECT "role", "createdAt" FROM "User"').get()).toEqual({
      role: 'user',
      createdAt: Date.parse('2020-07-04T18:12:58Z'),
    });
    expect(() => database.exec(`UPDATE "Session" SET "handle" = 'H:OTS' WHERE "handle" = 'i:ots'`)).toThrow(/UNIQUE/);
    expect(await migrateDatabase(`file:${file}`)).toEqual([]);
  });
});

describe('adoption of the databases of the fixture', () => {
  it.each(['before', 'after'] as const)('%s keeps handles, hashes and data, and reuses no id', async (name) => {
    const url = await blitzFile(name);
    const file = openFile(url);
    const before = dump(file);
    const adopted = await adopt(url, { plaintext: 'reset' });
    expectKept(before, dump(file));
    const user = `INSERT INTO "User" ("updatedAt", "email", "role") VALUES (1, 'x@example.com', 'user') RETURNING "id"`;
    expect(file.prepare(user).get()).toEqual({ id: 7 });
    expect(adopted?.counts).toContainEqual({ table: 'User', before: before.User?.length, after: before.User?.length });
  });

  it('copies the unchanged file first', async () => {
    const url = await blitzFile('after');
    const before = dump(openFile(url));
    const adopted = await adopt(url);
    expect(adopted?.backup).toMatch(/after\.db\.before-adoption-2026-11-22T12-00-00\.000Z$/);
    expect(dump(openFile(`file:${adopted?.backup}`))).toEqual(before);
  });

  it('keeps the copy unreadable for users who cannot read the file', async () => {
    const url = await blitzFile('after');
    await chmod(url.slice('file:'.length), 0o600);
    const adopted = await adopt(url);
    expect((await stat(String(adopted?.backup))).mode & 0o777).toBe(0o600);
  });

  it('lets the old Blitz.js application continue to read and write', async () => {
    const url = await blitzFile('after');
    await adopt(url);
    const file = openFile(url);
    file
      .prepare(`INSERT INTO "User" ("createdAt", "email", "hashedPassword", "name", "role", "updatedAt")
      VALUES (1, 'new@example.com', 'h', NULL, 'user', 1)`)
      .run();
    file
      .prepare(`UPDATE "Session" SET "expiresAt" = 4085213862124 WHERE "handle" = ?`)
      .run(blitz.sessions[0]?.row.handle);
  });
});

describe('passwords in plain text', () => {
  it('are refused unless an option decides what happens to them', async () => {
    const url = await blitzFile('after');
    const before = await readFile(url.slice('file:'.length));
    await expect(adopt(url, { plaintext: 'refuse' })).rejects.toThrow(/^1 password is stored as plain text.*--hash-/);
    expect(await readFile(url.slice('file:'.length))).toEqual(before);
  });

  it('leave no trace in the file', async () => {
    const url = await blitzFile('before');
    const contents = () => readFile(url.slice('file:'.length), 'latin1');
    expect(await contents()).toContain('hunter2hunter2');
    await adopt(url);
    expect(await contents()).not.toContain('hunter2hunter2');
  });

  it('are hashed or deleted', async () => {
    const [hashed, forgotten] = [await blitzFile('after'), await blitzFile('after')];
    await adopt(hashed);
    await adopt(forgotten, { plaintext: 'reset' });
    const stored = (url: string) =>
      openFile(url).prepare(`SELECT "hashedPassword" FROM "User" WHERE "id" = 4`).pluck().get();
    expect(stored(hashed)).toMatch(/^\$argon2id\$/);
    expect(stored(forgotten)).toBeNull();
  });
});

describe('refusal of an adoption', () => {
  async function refused(statements: string[], reason: RegExp) {
    const url = await blitzFile('after');
    const file = new BetterSqlite3(url.slice('file:'.length));
    for (const sql of statements) file.exec(sql);
    file.close();
    const before = await readFile(url.slice('file:'.length));
    await expect(adopt(url)).rejects.toThrow(reason);
    expect(await readFile(url.slice('file:'.length))).toEqual(before);
    expect((await readdir(dirname(url.slice('file:'.length)))).filter((name) => /before-adoption/.test(name))).toEqual(
      [],
    );
  }

  it.each(['Mail', 'Lease', 'AuditEvent', 'RateLimit', 'UserToken'])(
    'applies to a database with its own table %s',
    (table) =>
      refused(
        [`CREATE TABLE "${table}" ("id" INTEGER)`],
        new RegExp(`There is a table ${table} that is not this server's`),
      ),
  );

  it.each([
    [
      'ids that are text',
      ['DROP TABLE "User"', 'CREATE TABLE "User" ("id" TEXT PRIMARY KEY)'],
      /User\.id is of the type TEXT/,
    ],
    ['no sessions', ['DROP TABLE "Session"'], /There is no table Session/],
    [
      'a column of ours',
      ['ALTER TABLE "Session" ADD COLUMN "ipAddress" TEXT'],
      /Session has a column ipAddress of its own/,
    ],
    [
      'an invalid time',
      [`UPDATE "Session" SET "expiresAt" = 'soon' WHERE "id" = 3`],
      /Session\.expiresAt of the id 3 is not a time: "soon"/,
    ],
    [
      'a time of half a millisecond',
      [`UPDATE "User" SET "createdAt" = 0.5 WHERE "id" = 3`],
      /User\.createdAt of the id 3/,
    ],
    [
      'a time in nanoseconds',
      [`UPDATE "User" SET "createdAt" = 1593878400000000000 WHERE "id" = 3`],
      /User\.createdAt of the id 3 is not a time: "1593878400000000000"/,
    ],
    [
      'a time without end',
      [`UPDATE "Session" SET "expiresAt" = 1e300 WHERE "id" = 3`],
      /Session\.expiresAt of the id 3/,
    ],
    [
      'a default beside the foreign key of a column',
      [
        'DROP TABLE "Session"',
        `CREATE TABLE "Session" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "createdAt" DATE NOT NULL,
           "updatedAt" DATE NOT NULL, "expiresAt" DATE, "handle" TEXT NOT NULL, "hashedSessionToken" TEXT,
           "antiCSRFToken" TEXT, "userId" INTEGER DEFAULT 1 REFERENCES "User"("id") ON DELETE SET NULL)`,
      ],
      /Session\.userId has a default/,
    ],
    [
      'an address of bytes',
      [`UPDATE "User" SET "email" = x'00ff' WHERE "id" = 3`],
      /User\.email of the id 3 is not text/,
    ],
    [
      'an address twice',
      ['DROP INDEX "User.email"', `UPDATE "User" SET "email" = 'admin@example.com' WHERE "id" = 1`],
      /Several rows have the same User\.email/,
    ],
    [
      'a migration that was not finished',
      [
        'CREATE TABLE "_prisma_migrations" ("migration_name" TEXT, "finished_at" DATETIME, "rolled_back_at" DATETIME)',
        `INSERT INTO "_prisma_migrations" VALUES ('20210101000000_half', NULL, NULL)`,
      ],
      /20210101000000_half was begun and not finished/,
    ],
  ])('applies to a database with %s', (_what, statements, reason) => refused(statements, reason));

  it('applies to a file that is no database, and to a missing one', async () => {
    const folder = await temporaryFolder();
    await copyFile('package.json', join(folder, 'x.db'));
    await expect(adopt(`file:${join(folder, 'x.db')}`)).rejects.toThrow(/cannot be opened as a database/);
    await expect(adopt(`file:${join(folder, 'y.db')}`)).rejects.toThrow(/but there is no database/);
    expect(await readdir(folder)).toEqual(['x.db']);
  });

  it('applies where the server refuses to start, with the way out', async () => {
    const url = await blitzFile('after');
    const before = dump(openFile(url));
    const { code, stderr } = await runNode('src/main.ts', [], { DATABASE_URL: url, PORT: '0' }).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The database contains users of another application.*graphql-sessions adopt.*\n$/);
    expect(dump(openFile(url))).toEqual(before);
  });

  it('applies to a file that a server uses', async () => {
    const url = await blitzFile('after');
    const release = await claimDatabase(url);
    await expect(adopt(url)).rejects.toThrow(/Another server is running/);
    await release();
  });
});

describe('interrupted adoption', () => {
  it('leaves the database unchanged at every point, and can be repeated', {
    tags: ['slow/durability'],
  }, async () => {
    const template = openFile(await blitzFile('after'));
    template.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
         INSERT INTO "Session" ("updatedAt", "expiresAt", "handle", "userId")
           SELECT '2020-07-04 18:12:58', '2099-06-15T13:37:42.123Z', 'h' || i, 1 FROM n`,
    );
    const original = dump(template);
    const killed: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const folder = await temporaryFolder();
      const file = join(folder, 'killed.db');
      await copyFile(template.name, file);
      const args = ['adopt', '--apply', '--hash-plaintext'];
      const { child, ended } = runNode('src/cli.ts', args, { DATABASE_URL: `file:${file}` });
      // The rollback journal is there from the first write until the commit.
      while (!(await readdir(folder)).includes('killed.db-journal') && child.exitCode === null) await sleep(1);
      await sleep(round * 40);
      child.kill('SIGKILL');
      const { code } = await ended;
      // The first reader finds the rest of the transaction.
      await inspectDatabase(`file:${file}`, adoptionNow);
      const after = openFile(`file:${file}`);
      const isDone = code === 0 || 'Lease' in dump(after);
      if (isDone) continue;
      killed.push(file);
      expect(dump(after)).toEqual(original);
      expect(objects(after)).toEqual(objects(template));
    }
    expect(killed.length).toBeGreaterThan(0);
    expect(await adopt(`file:${killed[0]}`)).not.toBeNull();
  });
});
