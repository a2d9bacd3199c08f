/** @module-tag repeated */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/database/database.ts';
import { inRawTransaction } from '../../src/database/transaction.ts';
import { readMissedEvents } from '../../src/events/log.ts';
import { openLogReader } from '../../src/events/log-reader.ts';
import { recordEvent, recordEvents } from '../../src/events/record.ts';
import { commandScope } from '../../src/scope.ts';
import { isPostgresql, openEmptyDatabase } from '../support/database.ts';
import { randomFrom } from '../support/random.ts';

const scope = commandScope(new Date());
const event = (detail: string) => ({ type: 'ROLE_CHANGED', userId: null, detail }) as const;
const record = (database: Database, detail: string) => recordEvent(database, scope, event(detail));
const insert = `INSERT INTO "AuditEvent" ("at", "type", "detail") VALUES (now(), 'ROLE_CHANGED', $1)`;
const hasLateCommits = isPostgresql(inject('templateDatabase'));

/** Opens a reader, and follows it. Returns the details of the delivered events, and the last cursor. */
async function startReader(database: Database) {
  const reports: unknown[] = [];
  const reader = openLogReader(database, (error) => reports.push(error));
  onTestFinished(() => reader.stop());
  return { reader, reports, ...(await followed(reader)) };
}

async function followed(reader: ReturnType<typeof openLogReader>) {
  const seen: { id: bigint; detail: string | null }[] = [];
  const position = { cursor: 0n };
  const follow = await reader.follow((events, cursor) => {
    seen.push(...events);
    position.cursor = cursor;
  });
  position.cursor ||= follow.cursor;
  return { seen, position, follow, details: () => seen.map(({ detail }) => detail) };
}

/** Counts the reads of the log from now on. */
function countReads(database: Database): () => number {
  const { $newestId } = database;
  let reads = 0;
  database.$newestId = (table) => {
    reads += 1;
    return $newestId(table);
  };
  return () => reads;
}

async function openTransaction(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query('BEGIN');
  return client;
}

describe('a reader of the log', () => {
  it('delivers the events from the follow on, to all followers, and reads nothing without one', async () => {
    const { database } = await openEmptyDatabase();
    await record(database, 'before');
    const reads = countReads(database);
    const { reader, details, follow } = await startReader(database);
    const other = await followed(reader);
    await record(database, 'now');
    await expect.poll(details).toEqual(['now']);
    await expect.poll(other.details).toEqual(['now']);
    other.follow.stop();
    await record(database, 'later');
    await expect.poll(details).toEqual(['now', 'later']);
    expect(other.details()).toEqual(['now']);
    follow.stop();
    const readsBefore = reads();
    await sleep(250);
    expect(reads()).toBe(readsBefore);
    const again = await followed(reader);
    await record(database, 'again');
    await expect.poll(again.details).toEqual(['again']);
  });

  it.runIf(hasLateCommits)('does not wait for a stalled writer, and delivers its events when it commits', async () => {
    const { database, url } = await openEmptyDatabase();
    await record(database, 'before');
    const { reader, details, position, seen } = await startReader(database);
    const stalled = await openTransaction(url);
    await stalled.query(insert, ['late']);
    await record(database, 'early');
    await expect.poll(details).toEqual(['early']);
    const [early] = seen;
    // A reader that resumes after the cursor receives the late one, and the early one again.
    expect(position.cursor).toBeLessThan(early?.id ?? 0n);
    const joined = await followed(reader);
    expect(joined.details()).toEqual(['early']);
    const reads = countReads(database);
    await expect.poll(reads).toBeGreaterThan(2);
    await stalled.query('COMMIT');
    await expect.poll(details).toEqual(['early', 'late']);
    expect(joined.details()).toEqual(['early', 'late']);
    await record(database, 'after');
    await expect.poll(details).toEqual(['early', 'late', 'after']);
    expect(position.cursor).toBe(seen.at(-1)?.id);
  });

  it.runIf(hasLateCommits)('passes ids that were rolled back', async () => {
    const { database, url } = await openEmptyDatabase();
    const { details, position, seen } = await startReader(database);
    const failing = await openTransaction(url);
    await failing.query(insert, ['never']);
    await record(database, 'early');
    await expect.poll(details).toEqual(['early']);
    await failing.query('ROLLBACK');
    await record(database, 'after');
    await expect.poll(details).toEqual(['early', 'after']);
    await record(database, 'last');
    await expect.poll(() => position.cursor).toBe((seen[1]?.id ?? 0n) + 1n);
  });

  it('delivers each event once while many writers write, roll back and are slow', async () => {
    const { database } = await openEmptyDatabase();
    const random = randomFrom(5);
    const count = inject('isShort') ? 150 : 1_500;
    const committed: string[] = [];
    const { seen, details, reports } = await startReader(database);
    async function write(writer: number): Promise<void> {
      for (let n = 0; n < count / 10; n += 1) {
        const rows = [event(`${writer}-${n}`), ...(random.onceIn(3) ? [event(`${writer}-${n}b`)] : [])];
        const isFailing = random.onceIn(5);
        const ms = random.onceIn(8) ? 80 : random.below(6);
        await inRawTransaction(database, async (db) => {
          await recordEvents(db, scope, rows);
          await sleep(ms);
          if (isFailing) throw new Error('rolled back');
        }).then(
          () => committed.push(...rows.map(({ detail }) => detail)),
          (error) => expect(error.message).toBe('rolled back'),
        );
      }
    }
    await Promise.all(Array.from({ length: 10 }, (_, writer) => write(writer)));
    await expect.poll(() => details().length, { timeout: 5_000 }).toBeGreaterThanOrEqual(committed.length);
    expect(details().sort()).toEqual(committed.sort());
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
    expect(reports).toEqual([]);
  });

  it('continues after an outage of the database, and reports it once', async () => {
    const { database } = await openEmptyDatabase();
    const { details, reports } = await startReader(database);
    const { $newestId } = database;
    let failures = 0;
    database.$newestId = async () => {
      failures += 1;
      throw new Error('down');
    };
    await record(database, 'meanwhile');
    await expect.poll(() => failures).toBeGreaterThan(2);
    database.$newestId = $newestId;
    await expect.poll(details).toEqual(['meanwhile']);
    expect(reports).toEqual([new Error('down')]);
  });

  it('survives a follower that throws', async () => {
    const { database } = await openEmptyDatabase();
    const { reader, details, reports } = await startReader(database);
    await reader.follow(() => {
      throw new Error('a bug');
    });
    await record(database, 'one');
    await record(database, 'two');
    await expect.poll(details).toEqual(['one', 'two']);
    expect(reports).toContainEqual(new Error('a bug'));
  });

  it('begins again, with a warning, if the log has lost its newest events', async () => {
    const { database } = await openEmptyDatabase();
    for (const detail of ['1', '2', '3']) await record(database, detail);
    const { details, reports } = await startReader(database);
    const { $newestId } = database;
    database.$newestId = async () => 1n;
    await expect.poll(() => reports.length).toBe(1);
    database.$newestId = $newestId;
    await expect.poll(details).toEqual(['2', '3']);
    expect(String(reports[0])).toContain('lower than before');
  });
});

describe('the events that a reader missed', () => {
  const missed = (after: bigint, upTo: bigint) => ({ after, upTo, userId: null, types: null });

  it('are returned page by page, for one user and some types if asked for', async () => {
    const { database } = await openEmptyDatabase();
    const user = await database.user.create({ data: { email: 'a@example.com', role: 'user' } });
    await recordEvents(database, scope, [
      event('1'),
      { type: 'LOGGED_OUT', userId: user.id },
      { type: 'EMAIL_VERIFIED', userId: user.id },
      event('4'),
    ]);
    const upTo = await database.$newestId('AuditEvent');
    const typesOf = (events: { type: string }[]) => events.map(({ type }) => type);
    const [first] = await readMissedEvents(database, missed(0n, upTo), 1);
    expect(first?.detail).toBe('1');
    const rest = await readMissedEvents(database, missed(first?.id ?? 0n, upTo), 10);
    expect(typesOf(rest)).toEqual(['LOGGED_OUT', 'EMAIL_VERIFIED', 'ROLE_CHANGED']);
    const own = await readMissedEvents(database, { ...missed(0n, upTo), userId: user.id }, 10);
    expect(typesOf(own)).toEqual(['LOGGED_OUT', 'EMAIL_VERIFIED']);
    const ends = await readMissedEvents(database, { ...missed(0n, upTo), types: ['LOGGED_OUT'] }, 10);
    expect(typesOf(ends)).toEqual(['LOGGED_OUT']);
    expect(await readMissedEvents(database, missed(upTo, upTo), 10)).toEqual([]);
  });

  it('are refused past the retention, for an id of the future, and for far too many', async () => {
    const { database } = await openEmptyDatabase();
    for (const detail of ['1', '2', '3']) await record(database, detail);
    const upTo = await database.$newestId('AuditEvent');
    await database.auditEvent.deleteMany({ where: { id: { lt: upTo } } });
    await expect(readMissedEvents(database, missed(upTo - 2n, upTo), 10)).rejects.toMatchObject({
      code: 'RESUME_TOO_OLD',
    });
    expect(await readMissedEvents(database, missed(upTo - 1n, upTo), 10)).toHaveLength(1);
    for (const after of [upTo + 1n, -1n]) {
      await expect(readMissedEvents(database, missed(after, upTo), 10)).rejects.toMatchObject({
        code: 'BAD_USER_INPUT',
      });
    }
    await expect(readMissedEvents(database, missed(upTo - 1n, upTo + 200_000n), 10)).rejects.toMatchObject({
      code: 'RESUME_TOO_OLD',
    });
    await database.auditEvent.deleteMany();
    await expect(readMissedEvents(database, missed(upTo - 1n, upTo), 10)).rejects.toMatchObject({
      code: 'RESUME_TOO_OLD',
    });
    expect(await readMissedEvents(database, missed(upTo, upTo), 10)).toEqual([]);
  });
});
