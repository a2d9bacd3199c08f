import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/database/database.ts';
import { run } from '../../../src/database/raw-sql.ts';
import { inTransaction, runConcurrently } from '../../../src/database/transaction.ts';
import { Prisma } from '../../../src/generated/sqlite/client.ts';
import { commandScope } from '../../../src/scope.ts';
import { endSessions, sessionsWithIds } from '../../../src/sessions/end.ts';
import { openEmptyDatabase } from '../../support/database.ts';

type Kept = { name: string; statement: string };

/** A server with one connection, so that every statement finds those that were kept before. */
async function openOne() {
  const { url } = await openEmptyDatabase();
  const reported: unknown[] = [];
  const database = await openDatabase(url, { poolSize: 1, report: (error) => reported.push(error) });
  const listKept = () => database.$queryRawUnsafe<Kept[]>('SELECT "name", "statement" FROM pg_prepared_statements');
  /** Another connection of a pooler. */
  const forget = () => database.$executeRawUnsafe('DEALLOCATE ALL');
  return { database, listKept, forget, reported };
}

const frequent = Prisma.sql`INSERT INTO "Lease" VALUES (${'a'}, ${'b'}, ${new Date()})
  ON CONFLICT ("name") DO UPDATE SET "holder" = excluded."holder" RETURNING "name"`;

const isPrepared = true;

it('names each statement after its text, as servers of other versions do on the connections of a pooler', async () => {
  const { database, listKept } = await openOne();
  await database.$findSession('a');
  await database.$findLiveSessions([1n], new Date());
  await database.$findUsersByAddress('ada@example.com');
  await database.$findRateLimits(['a']);
  await run(database, frequent, { isPrepared });
  const kept = await listKept();
  expect(kept).toHaveLength(5);
  for (const { name, statement } of kept) expect(name).toBe(hash('sha256', statement, 'base64url'));
  await database.$disconnect();
});

it('keeps a read prepared after any number of other statements', async () => {
  const { database, listKept } = await openOne();
  const scope = commandScope(new Date());
  for (let count = 1; count <= 30; count += 1) {
    const ids = Array.from({ length: count }, (_, n) => BigInt(n));
    await inTransaction(database, (db) => endSessions(db, scope, sessionsWithIds(ids), 'REVOKED'));
  }
  // The text of those depends on their number of values.
  expect(await listKept()).toEqual([]);
  for (let n = 0; n < 120; n += 1)
    await run(database, Prisma.sql`SELECT ${n}::int, ${Prisma.raw(`${n}`)}`, { isPrepared });
  await database.$findSession('a');
  const kept = await listKept();
  expect(kept.length).toBeLessThanOrEqual(100);
  expect(kept.filter(({ statement }) => statement.includes('"Session"'))).toHaveLength(1);
  await database.$disconnect();
});

describe('a transaction whose connection lacks a statement that was prepared on another, behind a pooler', () => {
  it('is repeated, and then sends no names', async () => {
    const { database, listKept, forget, reported } = await openOne();
    let runs = 0;
    const write = () =>
      inTransaction(database, async (db) => {
        runs += 1;
        await db.lease.create({ data: { name: `run ${runs}`, holder: 'c', expiresAt: new Date() } });
        return run(db, frequent, { isPrepared });
      });
    await write();
    expect(await listKept()).toHaveLength(1);
    await forget();
    expect(await write()).toEqual([['a']]);
    await database.$findSession('a');
    await write();
    expect(await listKept()).toEqual([]);
    const names = await database.lease.findMany({ orderBy: { name: 'asc' }, select: { name: true } });
    expect(names.map(({ name }) => name)).toEqual(['a', 'run 1', 'run 3', 'run 4']);
    expect(reported.map(String)).toEqual([expect.stringMatching(/plans each statement anew .* \(26000\)/)]);
    await database.$disconnect();
  });

  it('is repeated too if another server has prepared the statement there, or its columns have changed', async () => {
    for (const change of [
      `PREPARE "${hash('sha256', frequent.text, 'base64url')}" AS SELECT 1`,
      'ALTER TABLE "Lease" ALTER COLUMN "name" TYPE VARCHAR(99)',
    ]) {
      const { database, forget, reported } = await openOne();
      const write = () => inTransaction(database, (db) => run(db, frequent, { isPrepared }));
      if (change.startsWith('ALTER')) await write();
      else await forget();
      await database.$executeRawUnsafe(change);
      expect(await write()).toEqual([['a']]);
      expect(reported).toHaveLength(1);
      await database.$disconnect();
    }
  });

  it('is repeated too if it sends statements at once', async () => {
    const { database, forget, reported } = await openOne();
    const rename = Prisma.sql`UPDATE "Lease" SET "holder" = ${'c'} WHERE "name" = ${'a'} RETURNING "holder"`;
    const write = () =>
      inTransaction(database, (db) =>
        runConcurrently([run(db, frequent, { isPrepared }), run(db, rename, { isPrepared })]),
      );
    expect(await write()).toEqual([[['a']], [['c']]]);
    await forget();
    expect(await write()).toEqual([[['a']], [['c']]]);
    expect(reported).toHaveLength(1);
    await database.$disconnect();
  });
});

it('takes a statement for no missing one that PostgreSQL refuses because of an earlier one', async () => {
  const { database, listKept, reported } = await openOne();
  let runs = 0;
  const failing = inTransaction(database, (db) => {
    runs += 1;
    const same = () => run(db, frequent, { isPrepared });
    // The driver parses the first of two equal ones only. So PostgreSQL does not know the second one.
    return runConcurrently([run(db, Prisma.sql`SELECT 1 / 0`), same(), same()]);
  });
  await expect(failing).rejects.toThrow('division by zero');
  expect(runs).toBe(1);
  expect(reported).toEqual([]);
  await run(database, frequent, { isPrepared });
  expect(await listKept()).toHaveLength(1);
  await database.$disconnect();
});
