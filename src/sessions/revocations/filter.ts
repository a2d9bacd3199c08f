import type { Database } from '../../database/database.ts';
import { run, toId } from '../../database/raw-sql.ts';
import { Prisma } from '../../generated/sqlite/client.ts';
import type { Transport } from '../../scope.ts';
import { clientName } from '../client-name.ts';
import { sessionsWithIds } from '../end.ts';
import { whereLiveSql } from '../session.ts';

/** The sessions to end: those that meet every given condition. Ids and times are text, so that JSON holds them. */
export type RevocationFilter = {
  /** Sessions of users with this role. */
  role?: string;
  userIds?: string[];
  createdBefore?: string;
  /** Sessions that were last used before this time. */
  lastSeenBefore?: string;
  /** The name of the client, such as `Firefox on Windows`. */
  clientName?: string;
  transport?: Transport;
};

/** Some sessions by their ids, to a part of which a filter applies. */
export type Range = { after: bigint; upTo: bigint };

/** Returns the condition on `"Session" s` for the sessions of a range that match a filter. Null if none does. */
export async function whereMatches(
  database: Database,
  { after, upTo }: Range,
  filter: RevocationFilter,
  now: Date,
): Promise<Prisma.Sql | null> {
  const inRange = Prisma.sql`s."id" > ${after} AND s."id" <= ${upTo}`;
  const where = Prisma.join([inRange, ...conditionsOf(filter)], ' AND ');
  if (filter.clientName === undefined) return where;
  // The name of a client is not stored.
  const rows = await run(
    database,
    Prisma.sql`SELECT s."id", s."userAgent" FROM "Session" s WHERE ${where} AND ${whereLiveSql(now)}`,
  );
  const named = rows.filter(([, userAgent]) => clientName(userAgent as string | null) === filter.clientName);
  return named.length === 0 ? null : sessionsWithIds(named.map(([id]) => toId(id))).sql;
}

function conditionsOf({ role, userIds, createdBefore, lastSeenBefore, transport }: RevocationFilter): Prisma.Sql[] {
  const ids = userIds?.map(BigInt);
  return [
    ...(role === undefined
      ? []
      : [Prisma.sql`EXISTS (SELECT 1 FROM "User" u WHERE u."id" = s."userId" AND u."role" = ${role})`]),
    ...(ids === undefined ? [] : [Prisma.sql`s."userId" IN (${Prisma.join(ids)})`]),
    ...(createdBefore === undefined ? [] : [Prisma.sql`s."createdAt" < ${new Date(createdBefore)}`]),
    ...(lastSeenBefore === undefined
      ? []
      : [Prisma.sql`coalesce(s."lastSeenAt", s."createdAt") < ${new Date(lastSeenBefore)}`]),
    ...(transport === undefined ? [] : [Prisma.sql`s."transport" = ${transport}`]),
  ];
}
