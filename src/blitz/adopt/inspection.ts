import { normalizeEmail } from '../../users/email.ts';
import { blitzColumns, blitzVersionOf, type Shape, sharedMigrations } from './blitz-schema.ts';
import { findPasswords, type PlainPassword, type StoredPassword } from './passwords.ts';
import {
  refusal,
  requireBlitzSchema,
  requireNoDuplicates,
  requireReadableTimes,
  requireTexts,
  type TextTimes,
} from './requirements.ts';
import { type AdoptedTable, adoptedTables, countOf, countTables, type Source } from './source.ts';

export type SessionCounts = {
  total: number;
  /** Live sessions of existing users. */
  live: number;
  /** Ended or expired sessions of existing users. */
  over: number;
  /** Sessions in which no user has signed in. */
  anonymous: number;
  /** Sessions of deleted users. */
  ownerless: number;
  /** Those of them whose `userId` still names the deleted user. */
  dangling: number;
  /** Sessions without an expiry. */
  endless: number;
  /** Sessions that ended before Blitz.js, or any browser, existed. */
  ancient: number;
};

/** A column whose type changes, and its present type. */
export type Converted = { table: AdoptedTable; column: string; type: string };

/** The contents of a Blitz.js database. */
export type Inspection = Shape & {
  blitzVersion: string;
  passwords: Record<StoredPassword, number>;
  plainPasswords: PlainPassword[];
  /** The number of addresses that several users share, ignoring case. */
  sharedEmails: number;
  /** The number of addresses in a form that this server does not accept. */
  oddEmails: number;
  sessions: SessionCounts;
  textTimes: TextTimes[];
  converted: Converted[];
};

/**
 * Inspects a database without a write. Returns null if it already belongs to this server.
 *
 * @throws OperatorError, with the reason, for a database that cannot be adopted.
 */
export async function inspect(source: Source, now: Date): Promise<Inspection | null> {
  const tables = await countTables(source);
  if (await isOurs(source, tables)) return null;
  const shape = await readShape(source, tables);
  await requireBlitzSchema(source, shape);
  await requireTexts(source);
  const textTimes = await requireReadableTimes(source);
  await requireNoDuplicates(source);
  const { counts: passwords, plain: plainPasswords } = await findPasswords(source);
  return {
    ...shape,
    blitzVersion: blitzVersionOf(shape),
    passwords,
    plainPasswords,
    ...(await countEmails(source)),
    sessions: await countSessions(source, now),
    textTimes,
    converted: source.kind === 'postgresql' ? findConverted(shape) : [],
  };
}

/**
 * Returns the columns whose type changes on PostgreSQL, beside those of ids, which always get 64 bits. On SQLite, a value does not depend on the type of its column.
 */
function findConverted({ columns }: Shape): Converted[] {
  const types = { text: 'text', time: 'timestamp(3) without time zone' };
  return adoptedTables.flatMap((table) =>
    columns[table]
      .filter(({ name, type }) => {
        const holds = blitzColumns[table][name]?.holds ?? 'number';
        return holds !== 'number' && type !== types[holds];
      })
      .map(({ name, type }) => ({ table, column: name, type })),
  );
}

async function isOurs(source: Source, tables: ReadonlyMap<string, number>): Promise<boolean> {
  if (!tables.has('_prisma_migrations')) return false;
  return (await countOf(source, `"_prisma_migrations" WHERE "migration_name" = '${sharedMigrations[0]}'`)) > 0;
}

async function readShape(source: Source, tables: ReadonlyMap<string, number>): Promise<Shape> {
  for (const table of adoptedTables) {
    if (!tables.has(table)) throw refusal(`There is no table ${table}: this is not a Blitz.js database`);
  }
  return {
    tables,
    columns: { User: await source.columns('User'), Session: await source.columns('Session') },
    indexes: { User: await source.indexes('User'), Session: await source.indexes('Session') },
  };
}

async function countEmails(source: Source): Promise<Pick<Inspection, 'sharedEmails' | 'oddEmails'>> {
  const users = new Map<string, number>();
  let oddEmails = 0;
  for (const row of await source.query('SELECT "email" FROM "User"')) {
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
  const [row] = await source.query(
    `SELECT count(*) AS "total",
       ${sum(`u."id" IS NOT NULL AND s."hashedSessionToken" IS NOT NULL AND ${isAhead}`)} AS "live",
       ${sum(`u."id" IS NOT NULL AND NOT (s."hashedSessionToken" IS NOT NULL AND ${isAhead})`)} AS "over",
       ${sum(`u."id" IS NULL AND s."handle" LIKE '%:ajwt'`)} AS "anonymous",
       ${sum(`u."id" IS NULL AND s."handle" NOT LIKE '%:ajwt'`)} AS "ownerless",
       ${sum(`u."id" IS NULL AND s."userId" IS NOT NULL`)} AS "dangling",
       ${sum('s."expiresAt" IS NULL')} AS "endless",
       ${sum(`${expiresAt} < ${source.literal(new Date('1990-01-01'))}`)} AS "ancient"
     FROM "Session" s LEFT JOIN "User" u ON u."id" = s."userId"`,
  );
  const { total, live, over, anonymous, ownerless, dangling, endless, ancient } = row ?? {};
  const counts = { total, live, over, anonymous, ownerless, dangling, endless, ancient };
  // The drivers return sums as numbers, bigints or text.
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)])) as SessionCounts;
}
