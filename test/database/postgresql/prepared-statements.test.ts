import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/database/database.ts';
import { run } from '../../../src/database/raw-sql.ts';
import { inTransaction } from '../../../src/database/transaction.ts';
import { Prisma } from '../../../src/generated/sqlite/client.ts';
import { openEmptyDatabase } from '../../support/database.ts';

type Kept = { name: string; statement: string };

/** A server with one connection, so that every statement finds those that were kept before. */
async function openOne() {
  const { url } = await openEmptyDatabase();
  const database = await openDatabase(url, { poolSize: 1 });
  const listKept = () => database.$queryRawUnsafe<Kept[]>('SELECT "name", "statement" FROM pg_prepared_statements');
  const forget = () => database.$executeRawUnsafe('DEALLOCATE ALL');
  return { database, listKept, forget };
}

const frequent = Prisma.sql`INSERT INTO "Lease" VALUES (${'a'}, ${'b'}, ${new Date()})
  ON CONFLICT ("name") DO UPDATE SET "holder" = excluded."holder" RETURNING "name"`;

it('names each statement after its text, as servers of other versions do on the connections of a pooler', async () => {
  const { database, listKept } = await openOne();
  await database.$findSession('a');
  await database.$findLiveSessions([1n], new Date());
  await database.$findUsersByAddress('ada@example.com');
  await database.$findRateLimits(['a']);
  await run(database, frequent, { isPrepared: true });
  const kept = await listKept();
  expect(kept).toHaveLength(5);
  for (const { name, statement } of kept) expect(name).toBe(hash('sha256', statement, 'base64url'));
  await database.$disconnect();
});

describe('a transaction whose connection lacks a statement that was prepared on another, behind a pooler', () => {
  it('is repeated, and then sends no names', async () => {
    const { database, listKept, forget } = await openOne();
    let runs = 0;
    const write = () =>
      inTransaction(database, async (db) => {
        runs += 1;
        await db.lease.create({ data: { name: `run ${runs}`, holder: 'c', expiresAt: new Date() } });
        return run(db, frequent, { isPrepared: true });
      });
    await write();
    expect(await listKept()).toHaveLength(1);
    await forget();
    expect(await write()).toEqual([['a']]);
    await write();
    expect(await listKept()).toEqual([]);
    const names = await database.lease.findMany({ orderBy: { name: 'asc' }, select: { name: true } });
    expect(names.map(({ name }) => name)).toEqual(['a', 'run 1', 'run 3', 'run 4']);
    await database.$disconnect();
  });
});
