/** @module-tag slow/timing */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/database/database.ts';
import { transactionOptions } from '../../../src/database/dialect.ts';
import { isUnavailable } from '../../../src/database/failures.ts';
import { run } from '../../../src/database/raw-sql.ts';
import { inRawTransaction, inTransaction } from '../../../src/database/transaction.ts';
import { Prisma } from '../../../src/generated/sqlite/client.ts';
import { openEmptyDatabase } from '../../support/database.ts';

/** Each statement ends within its own timeout, and all of them take longer than a transaction may. */
const slow = Prisma.sql`SELECT pg_sleep(1.3)::text`;
const statements = 4;

/** More than a transaction may take, in milliseconds. */
const tooLongMs = transactionOptions.timeout + 100;

describe('a transaction that takes too long without a statement', () => {
  it('is not committed', async () => {
    const { database } = await openEmptyDatabase();
    const expiresAt = new Date();
    const byPrisma = inTransaction(database, async (db) => {
      await db.lease.create({ data: { name: 'a', holder: 'a', expiresAt } });
      await sleep(tooLongMs);
    });
    const raw = inRawTransaction(database, async (db) => {
      await run(db, Prisma.sql`INSERT INTO "Lease" VALUES ('b', 'b', now())`);
      await sleep(tooLongMs);
    });
    for (const { status, reason } of (await Promise.allSettled([byPrisma, raw])) as PromiseRejectedResult[]) {
      expect([status, isUnavailable(reason)]).toEqual(['rejected', true]);
    }
    expect(await database.lease.count()).toBe(0);
  });
});

describe('a transaction of statements that are slow', () => {
  it('ends with a failure of the database, and nothing of it is stored', async () => {
    const { database: observer, url } = await openEmptyDatabase();
    const database = await openDatabase(url, { poolSize: 1 });
    const expiresAt = new Date();
    let answers = 0;
    const byPrisma = inTransaction(database, async (db) => {
      await db.lease.create({ data: { name: 'a', holder: 'a', expiresAt } });
      for (; answers < statements; answers += 1) await run(db, slow);
    });
    expect(isUnavailable(await byPrisma.catch((error) => error))).toBe(true);
    expect(answers).toBeLessThan(statements);

    answers = 0;
    const raw = inRawTransaction(database, async (db) => {
      await run(db, Prisma.sql`INSERT INTO "Lease" VALUES ('b', 'b', now())`);
      for (; answers < statements; answers += 1) await run(db, slow);
    });
    expect(isUnavailable(await raw.catch((error) => error))).toBe(true);
    expect(answers).toBeLessThan(statements);

    // The only connection was replaced.
    await database.lease.create({ data: { name: 'c', holder: 'c', expiresAt } });
    expect(await observer.lease.findMany({ select: { name: true } })).toEqual([{ name: 'c' }]);
    await database.$disconnect();
  });
});
