import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import { openDatabase } from '../../../src/database/database.ts';
import { run } from '../../../src/database/raw-sql.ts';
import { Prisma } from '../../../src/generated/sqlite/client.ts';
import { openEmptyDatabase } from '../../support/database.ts';

type Kept = { name: string; statement: string };

/** A server with one connection, so that every statement finds those that were kept before. */
async function openOne() {
  const { url } = await openEmptyDatabase();
  const database = await openDatabase(url, { poolSize: 1 });
  const listKept = () => database.$queryRawUnsafe<Kept[]>('SELECT "name", "statement" FROM pg_prepared_statements');
  return { database, listKept };
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
