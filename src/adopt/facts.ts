import { StartError } from '../errors.ts';
import { normalizeEmail } from '../users/email.ts';
import { dispensable, familyColumns, familyMigrations, memberOf, ownColumns, ownTables, type Shape } from './family.ts';
import { findPasswords, type PlainPassword, type StoredPassword } from './passwords.ts';
import { countOf, countTables, quoted, type Source, type TakenTable, takenTables } from './source.ts';

export type TextTimes = { table: TakenTable; column: string; count: number };

export type SessionCounts = {
  total: number;
  /** Of users who are there, and not expired. */
  live: number;
  /** Never signed in. */
  anonymous: number;
  /** Of users who were deleted. */
  ownerless: number;
  /** Of those, the ones that still name the user who is gone. */
  dangling: number;
  /** Without an expiry. */
  endless: number;
};

/** What a database of the family holds. */
export type Facts = Shape & {
  member: string;
  passwords: Record<StoredPassword, number>;
  plainPasswords: PlainPassword[];
  /** Addresses that several users have, if case makes no difference. */
  sharedEmails: number;
  /** Addresses of a form that this server gives to nobody. */
  oddEmails: number;
  sessions: SessionCounts;
  textTimes: TextTimes[];
};

/**
 * What a database holds, or null if it is this server's own already. It is only read.
 *
 * @throws StartError for a database that cannot be taken over, with the reason.
 */
export async function gatherFacts(source: Source, now: Date): Promise<Facts | null> {
  const tables = await countTables(source);
  if (await isOurs(source, tables)) return null;
  const shape = await readShape(source, tables);
  await requireFamily(source, shape);
  const textTimes = await requireReadableTimes(source);
  await requireNoDuplicates(source);
  const { counts: passwords, plain: plainPasswords } = await findPasswords(source);
  return {
    ...shape,
    member: memberOf(shape),
    passwords,
    plainPasswords,
    ...(await countEmails(source)),
    sessions: await countSessions(source, now),
    textTimes,
  };
}

async function isOurs(source: Source, tables: ReadonlyMap<string, number>): Promise<boolean> {
  if (!tables.has('_prisma_migrations')) return false;
  return (await countOf(source, `"_prisma_migrations" WHERE "migration_name" = '${familyMigrations[0]}'`)) > 0;
}

async function readShape(source: Source, tables: ReadonlyMap<string, number>): Promise<Shape> {
  for (const table of takenTables) {
    if (!tables.has(table)) throw refusal(`There is no table ${table}: this is not a database of Blitz.js`);
  }
  return {
    tables,
    columns: { User: await source.columns('User'), Session: await source.columns('Session') },
    indexes: { User: await source.indexes('User'), Session: await source.indexes('Session') },
  };
}

/** @throws StartError where a table or column is not what it is in the family. */
async function requireFamily(source: Source, { tables, columns }: Shape): Promise<void> {
  for (const table of takenTables) {
    for (const [name, { holds, isRequired }] of Object.entries(familyColumns[table])) {
      const column = columns[table].find((one) => one.name === name);
      if (!column && dispensable.includes(name)) continue;
      if (!column) throw refusal(`${table} has no column ${name}: this is not a database of Blitz.js`);
      if (column.holds !== holds) throw refusal(wrongType(table, name, column.type));
      if (isRequired && name !== 'expiresAt' && column.isNullable) await requireValues(source, table, name);
    }
    const taken = columns[table].find(({ name }) => ownColumns[table].includes(name));
    if (taken) throw refusal(`${table} has a column ${taken.name} of its own, and this server needs that name`);
  }
  const taken = ownTables.find((table) => tables.has(table));
  if (taken) throw refusal(`There is a table ${taken} that is not this server's, which needs that name`);
  if (!(await source.countsIds())) throw refusal('The database does not count the ids of User and Session by itself');
  if (tables.has('_prisma_migrations')) await requireFinishedMigrations(source);
}

function wrongType(table: TakenTable, name: string, type: string): string {
  const what = `${table}.${name} is of the type ${type}`;
  const isId = /^(id|userId)$/.test(name);
  return isId ? `${what}, and the ids of this server are whole numbers` : `${what}, which it has nowhere in Blitz.js`;
}

async function requireValues(source: Source, table: TakenTable, name: string): Promise<void> {
  const missing = await countOf(source, `${quoted(table)} WHERE ${quoted(name)} IS NULL`);
  if (missing > 0) throw refusal(`${table}.${name} is NULL in ${missing} rows, and this server needs a value`);
}

async function requireFinishedMigrations(source: Source): Promise<void> {
  const [row] = await source.ask(
    'SELECT "migration_name" AS "name" FROM "_prisma_migrations" WHERE "finished_at" IS NULL AND "rolled_back_at" IS NULL',
  );
  if (row) throw refusal(`The application's own migration ${row.name} was begun and not finished. Resolve it first`);
}

/** @throws StartError for a time that cannot be read. */
async function requireReadableTimes(source: Source): Promise<TextTimes[]> {
  const found: TextTimes[] = [];
  for (const table of takenTables) {
    const times = Object.entries(familyColumns[table]).filter(([, { holds }]) => holds === 'time');
    for (const [column] of times) {
      const unreadable = `${quoted(table)} WHERE ${quoted(column)} IS NOT NULL AND ${source.time(quoted(column))} IS NULL`;
      const [row] = await source.ask(
        `SELECT "id", ${quoted(column)} AS "value" FROM ${unreadable} ORDER BY "id" LIMIT 1`,
      );
      if (row) throw refusal(`${table}.${column} of the id ${row.id} is no time: ${JSON.stringify(row.value)}`);
      const count = await source.countTextTimes(table, column);
      if (count > 0) found.push({ table, column, count });
    }
  }
  return found;
}

async function requireNoDuplicates(source: Source): Promise<void> {
  for (const [table, column] of [
    ['User', 'email'],
    ['Session', 'handle'],
  ] as const) {
    const twice = `(SELECT 1 AS "one" FROM "${table}" GROUP BY "${column}" HAVING count(*) > 1) AS "twice"`;
    if ((await countOf(source, twice)) > 0) throw refusal(`Several rows have the same ${table}.${column}`);
  }
}

async function countEmails(source: Source): Promise<Pick<Facts, 'sharedEmails' | 'oddEmails'>> {
  const users = new Map<string, number>();
  let oddEmails = 0;
  for (const row of await source.ask('SELECT "email" FROM "User"')) {
    const email = normalizeEmail(String(row.email));
    if (email === null || email.length !== String(row.email).length) oddEmails += 1;
    else users.set(email, (users.get(email) ?? 0) + 1);
  }
  return { oddEmails, sharedEmails: [...users.values()].filter((count) => count > 1).length };
}

async function countSessions(source: Source, now: Date): Promise<SessionCounts> {
  const expiresAt = source.time('s."expiresAt"');
  const isAhead = `(s."expiresAt" IS NULL OR ${expiresAt} > ${source.literal(now)})`;
  const sum = (condition: string) => `coalesce(sum(CASE WHEN ${condition} THEN 1 ELSE 0 END), 0)`;
  const [row] = await source.ask(
    `SELECT count(*) AS "total",
       ${sum(`u."id" IS NOT NULL AND s."hashedSessionToken" IS NOT NULL AND ${isAhead}`)} AS "live",
       ${sum(`u."id" IS NULL AND s."handle" LIKE '%:ajwt'`)} AS "anonymous",
       ${sum(`u."id" IS NULL AND s."handle" NOT LIKE '%:ajwt'`)} AS "ownerless",
       ${sum(`u."id" IS NULL AND s."userId" IS NOT NULL`)} AS "dangling",
       ${sum('s."expiresAt" IS NULL')} AS "endless"
     FROM "Session" s LEFT JOIN "User" u ON u."id" = s."userId"`,
  );
  const { total, live, anonymous, ownerless, dangling, endless } = row ?? {};
  const counts = { total, live, anonymous, ownerless, dangling, endless };
  // The drivers give sums as numbers, bigints or text.
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)])) as SessionCounts;
}

function refusal(reason: string): StartError {
  return new StartError(`This database cannot be taken over, and nothing was changed. ${reason}.`);
}
