import { DriverAdapterError } from '@prisma/driver-adapter-utils';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { inShortTransaction } from '../../src/database/hot/short-transactions.ts';
import { run } from '../../src/database/raw-sql.ts';
import { Prisma } from '../../src/generated/sqlite/client.ts';
import { commandScope } from '../../src/scope.ts';
import { endSession } from '../../src/sessions/revoke.ts';
import { isPostgresql, openEmptyDatabase, refuseRows } from '../support/database.ts';

const scope = commandScope(new Date());
const expiresAt = new Date(Date.now() + 1_000_000);

/** Stores live sessions of a user, and returns their ids. */
async function sessionsIn(database: Database, count: number): Promise<bigint[]> {
  const user = await database.user.create({ data: { email: 'ada@example.com', role: 'user' } });
  const rows = Array.from({ length: count }, (_, n) => ({
    handle: `h${n}`,
    userId: user.id,
    hashedSessionToken: 'x',
    expiresAt,
  }));
  const sessions = await database.session.createManyAndReturn({ data: rows });
  return sessions.map(({ id }) => id);
}

const end = (database: Database, id: bigint) => endSession(database, scope, id, 'REVOKED');
const broken = (database: Database) =>
  inShortTransaction(database, (db) => run(db, Prisma.sql`SELECT "nothing" FROM "AuditEvent"`));

/** Returns a database whose driver fails before it does as it should. */
function failing(database: Database, name: 'startTransaction' | 'queryRaw', times: number) {
  const { queryable } = database.$driver;
  let tries = 0;
  const driver = new Proxy(queryable, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (property !== name) return typeof value === 'function' ? value.bind(target) : value;
      return (...args: unknown[]) => {
        tries += 1;
        if (tries <= times) return Promise.reject(new DriverAdapterError({ kind: 'TransactionWriteConflict' }));
        return value.apply(target, args);
      };
    },
  });
  const $driver = { ...database.$driver, queryable: driver };
  const proxy = new Proxy(database, {
    get: (target, property) => (property === '$driver' ? $driver : Reflect.get(target, property)),
  });
  return { database: proxy, tries: () => tries };
}

describe('a short transaction', () => {
  it('has one winner among those that end a session at the same time', async () => {
    const { database } = await openEmptyDatabase();
    const [id = 0n, other = 0n] = await sessionsIn(database, 2);
    const ended = await Promise.all(Array.from({ length: 8 }, (_, n) => end(database, n === 5 ? other : id)));
    expect(ended.filter((session) => session !== null).map((session) => session.id)).toHaveLength(2);
    expect(ended[5]?.id).toBe(other);
    expect(await database.auditEvent.count()).toBe(2);
  });

  it('is shared by concurrent requests on SQLite, and a single statement on PostgreSQL', async () => {
    const opened = await openEmptyDatabase();
    const ids = await sessionsIn(opened.database, 5);
    const counting = failing(opened.database, 'startTransaction', 0);
    opened.statements.length = 0;
    await Promise.all(ids.map((id) => end(counting.database, id)));
    expect(counting.tries()).toBe(isPostgresql(opened.url) ? 0 : 1);
    expect(opened.statements).toHaveLength(isPostgresql(opened.url) ? 5 : 10);
    expect(await opened.database.auditEvent.count()).toBe(5);
  });

  it('fails alone', async () => {
    const { database } = await openEmptyDatabase();
    const [one = 0n, other = 0n] = await sessionsIn(database, 2);
    const [first, second, third] = await Promise.allSettled([
      end(database, one),
      broken(database),
      end(database, other),
    ]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { id: one } });
    expect(second).toMatchObject({ status: 'rejected' });
    expect(third).toMatchObject({ status: 'fulfilled', value: { id: other } });
    expect(await database.auditEvent.count()).toBe(2);
    expect(await database.session.count({ where: { hashedSessionToken: null } })).toBe(2);
  });

  it('ends no session without its event', async () => {
    const opened = await openEmptyDatabase();
    const { database } = opened;
    const [id = 0n] = await sessionsIn(database, 1);
    await refuseRows(opened, 'AuditEvent');
    await expect(end(database, id)).rejects.toThrow('no rows for AuditEvent');
    expect(await database.session.findFirst()).toMatchObject({ hashedSessionToken: 'x', endReason: null });
  });

  it('begins anew after a conflict', async () => {
    const { database, url } = await openEmptyDatabase();
    const [id = 0n] = await sessionsIn(database, 1);
    const conflicting = failing(database, isPostgresql(url) ? 'queryRaw' : 'startTransaction', 2);
    expect(await end(conflicting.database, id)).toMatchObject({ id, endReason: 'REVOKED' });
    expect(conflicting.tries()).toBe(3);
  });
});
