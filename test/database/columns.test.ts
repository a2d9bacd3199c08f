import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { type ColumnsOf, type ColumnTable, columnTables, sessionColumns } from '../../src/database/hot/columns.ts';
import { sessions, users } from '../../src/database/hot/prepared-reads.ts';
import { type Row, type Source, select, selectLeftJoin } from '../../src/database/hot/select.ts';
import { insert, type NewRow, run, toDate } from '../../src/database/raw-sql.ts';
import { getDatamodel } from '../../src/generated/pothos.ts';
import { Prisma, type Session } from '../../src/generated/sqlite/client.ts';
import { isPostgresql, openEmptyDatabase, openFile } from '../support/database.ts';
import { onServer } from '../support/postgresql-server.ts';
import { textOf } from '../support/text.ts';

type Model = keyof typeof columnTables;

// Object.keys says of no object that it has only the keys of its type.
const models = Object.keys(columnTables) as Model[];

const kindsOfPrisma: Record<string, string> = { BigInt: 'id', Int: 'int', String: 'text', DateTime: 'time' };

const kindsOfDatabase: Record<string, string> = {
  INTEGER: 'int',
  TEXT: 'text',
  DATETIME: 'time',
  bigint: 'id',
  integer: 'int',
  text: 'text',
  'timestamp without time zone': 'time',
};

/** Returns the columns of a table as the migrated database has them. SQLite does not tell ids from other numbers. */
async function columnsInDatabase(url: string, table: string): Promise<[name: string, kind: string][]> {
  const rows = isPostgresql(url)
    ? await onServer(
        url,
        `SELECT column_name AS name, data_type AS type, is_nullable = 'NO' AS "isRequired"
          FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '${table}'`,
      )
    : openFile(url)
        .prepare<[], { name: string; type: string; isRequired: number }>(
          `SELECT "name", "type", "notnull" AS "isRequired" FROM pragma_table_info('${table}')`,
        )
        .all();
  return rows.map(({ name, type, isRequired }) => [name, `${kindsOfDatabase[type] ?? type}${isRequired ? '' : '?'}`]);
}

/** Beyond what a number of JavaScript holds exactly. */
const firstId = 2n ** 53n;

type Values = Record<string, string | number | bigint | Date | null>;

/** Returns a row with a value of its own in each column, or with null where a column can be null. */
function rowOf(table: ColumnTable, first: number, hasNulls: boolean): Values {
  const values = Object.entries(table).map(([name, kind], index) => {
    const n = first + index;
    if (hasNulls && kind.endsWith('?')) return [name, null];
    if (kind.startsWith('time')) return [name, new Date(Date.UTC(2026, index, 1, 2, 30, 0, n))];
    if (kind.startsWith('id')) return [name, firstId + BigInt(n)];
    return [name, kind.startsWith('text') ? `${name} ${n}` : n];
  });
  return Object.fromEntries(values);
}

/** Inserts a row, and the user that it refers to, and returns it with the id that it got. */
async function add(database: Database, model: Model, row: Values): Promise<Values> {
  // A row of the columns of a model is what the model takes. tsc does not know which one it is, and any serves.
  if (model === 'RateLimit') return database.rateLimit.create({ data: row as Prisma.RateLimitCreateInput });
  const { id: _, ...newRow } = row;
  if (model !== 'AuditEvent' && typeof row.userId === 'bigint') {
    await database.user.create({ data: { id: row.userId, email: `${row.userId}@example.com`, role: 'user' } });
  }
  const id = await insert(database, model as 'Session', newRow as NewRow<'Session'>);
  return { ...newRow, id };
}

/** Reads all rows of a table without Prisma. */
async function readHot<Table extends ColumnTable>(database: Database, source: Source<Table>) {
  const { sql, toRecord } = select(source, '1 = 1 ORDER BY 1', toDate);
  const rows = await run(database, Prisma.raw(sql));
  // The drivers of both databases return no other values for the columns of these tables.
  return rows.map((row) => toRecord(row as Row));
}

const readByPrisma: Record<Model, (database: Database) => Promise<object[]>> = {
  Session: (database) => database.session.findMany({ orderBy: { id: 'asc' } }),
  User: (database) => database.user.findMany({ orderBy: { id: 'asc' } }),
  UserToken: (database) => database.userToken.findMany({ orderBy: { id: 'asc' } }),
  Mail: (database) => database.mail.findMany({ orderBy: { id: 'asc' } }),
  AuditEvent: (database) => database.auditEvent.findMany({ orderBy: { id: 'asc' } }),
  ServiceClient: (database) => database.serviceClient.findMany({ orderBy: { id: 'asc' } }),
  RateLimit: (database) => database.rateLimit.findMany({ orderBy: { key: 'asc' } }),
};

describe('column table', () => {
  it.each(models)('of %s has the columns of Prisma’s model, their kinds, and which can be null', (model) => {
    const fields = getDatamodel().datamodel.models[model]?.fields.filter(({ kind }) => kind !== 'object') ?? [];
    const expected = fields.map(({ name, type, isRequired }) => {
      const kind = kindsOfPrisma[type] ?? type;
      return [name, `${kind}${isRequired ? '' : '?'}`];
    });
    expect(columnTables[model]).toEqual(Object.fromEntries(expected));
  });

  it.each(models)(
    'of %s has the columns of the migrated database, their kinds, and which can be null',
    async (model) => {
      const { url } = await openEmptyDatabase();
      const columns = Object.entries(columnTables[model]).map(([name, kind]) => [
        name,
        isPostgresql(url) ? kind : kind.replace('id', 'int'),
      ]);
      expect(Object.fromEntries(columns)).toEqual(Object.fromEntries(await columnsInDatabase(url, model)));
    },
  );

  it.each(models)('of %s writes every column and reads it back, null or not', async (model) => {
    const { database } = await openEmptyDatabase();
    const columns: ColumnTable = columnTables[model];
    const full = await add(database, model, rowOf(columns, 100, false));
    const bare = await add(database, model, rowOf(columns, 200, true));
    const values = Object.values(full).map((value) => textOf(value));
    expect(new Set(values).size).toBe(Object.keys(columns).length);
    expect(await readByPrisma[model](database)).toEqual([full, bare]);
    expect(await readHot(database, { name: model, alias: 'x', columns })).toEqual([full, bare]);
  });

  it('does not compile if it differs from the model', () => {
    type WithInvented = Session & { invented: string | null };
    // @ts-expect-error: the new column is missing.
    sessionColumns satisfies ColumnsOf<WithInvented>;
    // @ts-expect-error: there is no such column.
    ({ ...sessionColumns, invented: 'text?' }) satisfies ColumnsOf<Session>;
    // @ts-expect-error: the column can be null.
    ({ ...sessionColumns, invented: 'text' }) satisfies ColumnsOf<WithInvented>;
    // @ts-expect-error: the column cannot be null.
    ({ ...sessionColumns, handle: 'text?' }) satisfies ColumnsOf<Session>;
    // @ts-expect-error: the column is no number.
    ({ ...sessionColumns, invented: 'id?' }) satisfies ColumnsOf<WithInvented>;
    // @ts-expect-error: the column is no time.
    ({ ...sessionColumns, invented: 'time?' }) satisfies ColumnsOf<WithInvented>;
    ({ ...sessionColumns, invented: 'text?' }) satisfies ColumnsOf<WithInvented>;
  });
});

describe('new column of Session', () => {
  type WithInvented = typeof sessionColumns & { invented: 'int?' };

  const places = [0, 7, Object.keys(sessionColumns).length];

  it.each(places)('shifts no other column from position %i, and is never the user’s id', async (place) => {
    const { database } = await openEmptyDatabase();
    const someUser = await add(database, 'User', rowOf(columnTables.User, 100, false));
    const full = await add(database, 'Session', rowOf(sessionColumns, 200, false));
    await add(database, 'Session', rowOf(sessionColumns, 300, true));
    await database.$executeRawUnsafe('ALTER TABLE "Session" ADD COLUMN "invented" INTEGER');
    await database.$executeRawUnsafe(`UPDATE "Session" SET "invented" = ${someUser.id}`);

    const entries: [string, string][] = Object.entries(sessionColumns);
    // Object.fromEntries forgets the names of what it is given.
    const columns = Object.fromEntries(entries.toSpliced(place, 0, ['invented', 'int?'])) as WithInvented;
    const join = { left: { ...sessions, columns }, right: users, on: 'u."id" = s."userId"' };
    const { sql, toRecord } = selectLeftJoin(join, '1 = 1 ORDER BY s."id"', toDate);
    const rows = await run(database, Prisma.raw(sql));
    const read = rows.map((row) => toRecord(row as Row));
    const expected = await database.session.findMany({ include: { user: true }, orderBy: { id: 'asc' } });
    expect(read).toEqual(expected.map(({ user, ...session }) => [{ ...session, invented: Number(someUser.id) }, user]));
    expect(read.map(([session, user]) => [session.userId, user?.id])).toEqual([
      [full.userId, full.userId],
      [null, undefined],
    ]);
    expect(await database.$findSession(String(full.handle))).toEqual(expected[0]);
  });
});
