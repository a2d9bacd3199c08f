/** @module-tag repeated */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, inject, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { inRawTransaction, inTransaction } from '../../src/database/transaction.ts';
import { readEvents } from '../../src/events/log.ts';
import { recordEvent, recordEvents } from '../../src/events/record.ts';
import { commandScope } from '../../src/scope.ts';
import { isPostgresql, openEmptyDatabase } from '../support/database.ts';
import { randomFrom } from '../support/random.ts';

const scope = commandScope(new Date());
const event = (detail: string) => ({ type: 'ROLE_CHANGED', userId: null, detail }) as const;
const insert = `INSERT INTO "AuditEvent" ("at", "type", "detail") VALUES (now(), 'ROLE_CHANGED', $1)`;

/** A connection that can leave a transaction open. */
async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

const detailsAfter = async (database: Database, id: bigint) =>
  (await readEvents(database, id, 100)).map(({ detail }) => detail);

it.runIf(isPostgresql(inject('templateDatabase')))(
  'waits for a writer whose id is lower than one that is committed, whether it commits or rolls back',
  async () => {
    const { database, url } = await openEmptyDatabase();
    for (const [end, expected] of [
      ['COMMIT', ['late', 'early']],
      ['ROLLBACK', ['early']],
    ] as const) {
      const last = (await database.auditEvent.findFirst({ orderBy: { id: 'desc' } }))?.id ?? 0n;
      const stalled = await connect(url);
      await stalled.query('BEGIN');
      await stalled.query(insert, ['late']);
      await recordEvent(database, scope, event('early'));
      // A reader that goes by the ids alone would have passed the late one by now.
      expect(await database.auditEvent.count({ where: { id: { gt: last } } })).toBe(1);
      let read: unknown = null;
      const reading = detailsAfter(database, last).then((details) => {
        read = details;
      });
      await sleep(100);
      expect(read).toBeNull();
      await stalled.query(end);
      await reading;
      expect(read).toEqual(expected);
    }
  },
);

it.runIf(isPostgresql(inject('templateDatabase')))(
  'does not wait for writers of other tables, nor for new ones',
  async () => {
    const { database, url } = await openEmptyDatabase();
    await recordEvent(database, scope, event('first'));
    const other = await connect(url);
    await other.query('BEGIN');
    await other.query(`INSERT INTO "RateLimit" ("key", "points") VALUES ('k', 1)`);
    expect(await detailsAfter(database, 0n)).toEqual(['first']);
  },
);

it('returns events without gaps and in order while many writers write, roll back and are slow', async () => {
  const { database } = await openEmptyDatabase();
  const random = randomFrom(3);
  const count = inject('isShort') ? 150 : 1_500;
  const committed: string[] = [];
  let isDone = false;
  async function write(writer: number): Promise<void> {
    for (let n = 0; n < count / 10; n += 1) {
      const name = `${writer}-${n}`;
      const failing = random.onceIn(5);
      const ms = random.onceIn(8) ? 80 : random.below(6);
      const rows = [event(name), ...(random.onceIn(3) ? [event(`${name}b`)] : [])];
      const inOne = random.onceIn(2) ? inRawTransaction : inTransaction;
      await inOne(database, async (db) => {
        await recordEvents(db, scope, rows);
        await sleep(ms);
        if (failing) throw new Error('rolled back');
      }).then(
        () => committed.push(...rows.map(({ detail }) => detail)),
        (error) => expect(error.message).toBe('rolled back'),
      );
    }
  }
  const seen: { id: bigint; detail: string | null }[] = [];
  async function follow(): Promise<void> {
    for (let wasDone = false; ; wasDone = isDone) {
      const events = await readEvents(database, seen.at(-1)?.id ?? 0n, 7);
      seen.push(...events);
      if (wasDone && events.length === 0) return;
    }
  }
  const writing = Promise.all(Array.from({ length: 10 }, (_, writer) => write(writer))).finally(() => {
    isDone = true;
  });
  await Promise.all([writing, follow()]);
  const ids = seen.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort((one, other) => (one < other ? -1 : 1)));
  expect(seen.map(({ detail }) => detail).sort()).toEqual(committed.sort());
  expect(seen.length).toBeGreaterThan(count / 2);
});

it('returns nothing to a reader that has read all, and for a log without events', async () => {
  const { database } = await openEmptyDatabase();
  expect(await readEvents(database, 0n, 10)).toEqual([]);
  await recordEvent(database, scope, event('only'));
  const [only] = await readEvents(database, 0n, 10);
  expect(only?.detail).toBe('only');
  expect(await readEvents(database, only?.id ?? 0n, 10)).toEqual([]);
});
