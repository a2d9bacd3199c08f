import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Db } from '../../src/database/database.ts';
import { isUnavailable } from '../../src/database/failures.ts';
import { insert, run, toDate } from '../../src/database/raw-sql.ts';
import { inTransaction, runConcurrently } from '../../src/database/transaction.ts';
import { Prisma } from '../../src/generated/sqlite/client.ts';
import { openEmptyDatabase } from '../support/database.ts';

const event = {
  at: new Date('2026-03-29T01:30:00.045Z'),
  type: 'LOGGED_IN',
  userId: 2_147_483_647n,
  actorId: null,
  sessionHandle: "O'Hara \\ \u{1F600} \u2028",
  ipAddress: '2001:db8::1',
  userAgent: '',
  detail: null,
};
const count = Prisma.sql`SELECT count(*) FROM "AuditEvent" WHERE "type" = ${event.type}`;

async function counted(db: Db): Promise<number> {
  const [[events] = []] = await run(db, count);
  return Number(events);
}

describe('raw statements', () => {
  it('add a row as Prisma would, and return its id', async () => {
    const { database } = await openEmptyDatabase();
    const id = await insert(database, 'AuditEvent', event);
    expect(await database.auditEvent.findUnique({ where: { id } })).toEqual({ id, ...event });
    const [row = []] = await run(
      database,
      Prisma.sql`SELECT "at", "actorId" FROM "AuditEvent" WHERE "at" = ${event.at}`,
    );
    expect([toDate(row[0]), row[1]]).toEqual([event.at, null]);
  });

  it('add no row with a missing or unknown column, which does not compile either', async () => {
    const { database } = await openEmptyDatabase();
    const { detail: _, ...lacking } = event;
    // @ts-expect-error: there is no detail.
    await expect(insert(database, 'AuditEvent', lacking)).rejects.toThrow('A row for AuditEvent has no detail.');
    // @ts-expect-error: undefined is no value.
    await expect(insert(database, 'AuditEvent', { ...event, detail: undefined })).rejects.toThrow('has no detail');
    const longer = { ...event, invented: 'x' };
    // @ts-expect-error: there is no such column.
    await expect(insert(database, 'AuditEvent', longer)).rejects.toThrow('has invented, which is not a column');
    // @ts-expect-error: the database gives the id.
    await expect(insert(database, 'AuditEvent', { ...event, id: 1 })).rejects.toThrow('has id, which is not a column');
    expect(await counted(database)).toBe(0);
  });

  it('put each value in its own column, for every order of the row', async () => {
    const { database } = await openEmptyDatabase();
    const { at, ...rest } = event;
    const id = await insert(database, 'AuditEvent', { ...rest, at });
    expect(await database.auditEvent.findUnique({ where: { id } })).toEqual({ id, ...event });
  });

  it('belong to their transaction, and to no other', async () => {
    const { database } = await openEmptyDatabase();
    const other = { ...event, type: 'LOGGED_OUT' };
    const undone = inTransaction(database, async (db) => {
      await db.auditEvent.create({ data: event });
      await runConcurrently([insert(db, 'AuditEvent', event), insert(db, 'AuditEvent', event)]);
      expect(await counted(db)).toBe(3);
      expect(await db.auditEvent.count({ where: { type: event.type } })).toBe(3);
      throw new Error('undone');
    });
    const others = Array.from({ length: 5 }, () => inTransaction(database, (db) => insert(db, 'AuditEvent', other)));
    await expect(undone).rejects.toThrow('undone');
    await Promise.all(others);
    expect(await database.auditEvent.groupBy({ by: 'type', _count: true })).toEqual([{ type: other.type, _count: 5 }]);
  });

  it('are refused after the end of their transaction, and in one that inTransaction did not begin', async () => {
    const { database } = await openEmptyDatabase();
    for (const error of [null, new Error('undone')]) {
      let kept: Db | undefined;
      const ended = inTransaction(database, async (db) => {
        kept = db;
        await insert(db, 'AuditEvent', event);
        if (error) throw error;
      });
      await (error ? expect(ended).rejects.toThrow('undone') : ended);
      await expect(insert(kept as Db, 'AuditEvent', event)).rejects.toThrow('is over');
      expect(isUnavailable(await insert(kept as Db, 'AuditEvent', event).catch((thrown) => thrown))).toBe(true);
    }
    await database.$transaction(async (db) => {
      await expect(insert(db, 'AuditEvent', event)).rejects.toThrow('inTransaction');
    });
    expect(await counted(database)).toBe(1);
  });
});

describe('runConcurrently', () => {
  it('throws the first failure, not its consequences, after all operations have ended', async () => {
    const { database } = await openEmptyDatabase();
    const failing = inTransaction(database, async (db) => {
      const late = (async () => {
        await run(db, count);
        await insert(db, 'AuditEvent', event);
      })();
      await runConcurrently([
        late,
        run(db, Prisma.sql`SELECT "nothing" FROM "AuditEvent"`),
        insert(db, 'AuditEvent', event),
      ]);
    });
    const error = await failing.catch((thrown) => inspect(thrown));
    expect(error).toMatch(/nothing/);
    expect(await counted(database)).toBe(0);
  });

  it('returns each answer in its place', async () => {
    const { database } = await openEmptyDatabase();
    const answers = await inTransaction(database, (db) =>
      runConcurrently([run(db, Prisma.sql`SELECT 'one'`), null, counted(db), insert(db, 'AuditEvent', event)]),
    );
    expect(answers).toEqual([[['one']], null, 0, 1n]);
  });
});
