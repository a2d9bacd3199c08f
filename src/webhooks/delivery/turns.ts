/**
 * The deliveries of a webhook that are next. Each user has a queue, and the queues take turns: a user who causes many
 * events waits behind them alone. No statement here passes the rows behind the first one of a user, of which there may be
 * any number.
 */
import type { Database } from '../../database/database.ts';
import { toId } from '../../database/raw-sql.ts';
import { Prisma } from '../../generated/sqlite/client.ts';

/** The user whose turn was the last. 0n, the id of none, after that of the deliveries without a user. */
export type Turn = { after: bigint; limit: number };

const waiting = (webhookId: bigint) => Prisma.sql`"webhookId" = ${webhookId} AND "state" = 'WAITING'`;

/** Lists the users with waiting deliveries after one of them, in the order of their ids, and then null. */
function usersAfter(webhookId: bigint, after: bigint): Prisma.Sql {
  return Prisma.sql`"one"("userId") AS (
    SELECT * FROM (SELECT "userId" FROM "WebhookDelivery" WHERE ${waiting(webhookId)} AND "userId" > ${after}
      ORDER BY "userId" LIMIT 1) AS "first"
    UNION ALL
    SELECT (SELECT "other"."userId" FROM "WebhookDelivery" AS "other" WHERE ${waiting(webhookId)}
        AND "other"."userId" > "one"."userId" ORDER BY "other"."userId" LIMIT 1)
      FROM "one" WHERE "one"."userId" IS NOT NULL)`;
}

/**
 * Returns the ids of deliveries that are due: for each user only the first one that waits, so that no event overtakes an
 * earlier one of the same user.
 */
export async function findNext(database: Database, webhookId: bigint, turn: Turn, now: Date): Promise<bigint[]> {
  const ids = new Set(await firstOfUsers(database, webhookId, turn, now));
  for (const find of [withoutUser, firstOfUsers]) {
    const limit = turn.limit - ids.size;
    if (limit > 0) for (const id of await find(database, webhookId, { after: 0n, limit }, now)) ids.add(id);
  }
  return [...ids];
}

async function firstOfUsers(database: Database, webhookId: bigint, { after, limit }: Turn, now: Date) {
  const rows = await database.$queryRaw<{ id: unknown }[]>`
    WITH RECURSIVE ${usersAfter(webhookId, after)}
    SELECT "id" FROM (
      SELECT (SELECT "id" FROM (
          SELECT "id", "sendAfter" FROM "WebhookDelivery" AS "theirs"
            WHERE ${waiting(webhookId)} AND "theirs"."userId" = "one"."userId" ORDER BY "id" LIMIT 1
        ) AS "earliest" WHERE "sendAfter" <= ${now}) AS "id" FROM "one"
      ) AS "due" WHERE "id" IS NOT NULL LIMIT ${limit}`;
  return rows.map(({ id }) => toId(id));
}

async function withoutUser(database: Database, webhookId: bigint, { limit }: Turn, now: Date): Promise<bigint[]> {
  const rows = await database.$queryRaw<{ id: unknown }[]>`
    SELECT "id" FROM "WebhookDelivery" WHERE ${waiting(webhookId)} AND "userId" IS NULL AND "sendAfter" <= ${now}
      ORDER BY "id" LIMIT ${limit}`;
  return rows.map(({ id }) => toId(id));
}

/** Returns whether deliveries of at least this many users wait. */
export async function haveManyUsers(database: Database, webhookId: bigint, count: number): Promise<boolean> {
  const rows = await database.$queryRaw<unknown[]>`
    WITH RECURSIVE ${usersAfter(webhookId, 0n)}
    SELECT "userId" FROM "one" WHERE "userId" IS NOT NULL LIMIT ${count}`;
  return rows.length >= count;
}
