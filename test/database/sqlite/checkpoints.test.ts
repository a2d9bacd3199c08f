/** @module-tag slow/durability */
import { readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/database/database.ts';
import { startCheckpoints } from '../../../src/database/sqlite/checkpoints.ts';
import { emptyDatabase } from '../../support/database.ts';

const rows = Array.from({ length: 400 }, (_, n) => ({
  handle: `handle ${n}`,
  publicData: 'x'.repeat(16_000),
  expiresAt: new Date(),
}));

describe('write-ahead log', () => {
  it('is moved into the file while the server runs, and is gone when it stops', async () => {
    const url = await emptyDatabase();
    const file = url.replace('file:', '');
    const database = await openDatabase(url);
    const before = (await stat(file)).size;
    await database.session.createMany({ data: rows });
    // Nothing is written any more that could do it on the way.
    expect((await stat(file)).size).toBe(before);
    expect((await stat(`${file}-wal`)).size).toBeGreaterThan(4_096_000);
    while ((await stat(file)).size === before) await sleep(100);
    expect(await database.session.count()).toBe(rows.length);
    await database.session.create({ data: { handle: 'one more', expiresAt: new Date() } });
    await database.$disconnect();
    expect(await readdir(dirname(file))).toEqual(['test.db']);
    const connection = new BetterSqlite3(file, { readonly: true });
    expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(connection.prepare('SELECT count(*) FROM "Session"').pluck().get()).toBe(rows.length + 1);
    connection.close();
  });

  it('is moved many times by one thread, without leaks', async () => {
    const url = await emptyDatabase();
    const file = url.replace('file:', '');
    const connection = new BetterSqlite3(file);
    connection.pragma('wal_autocheckpoint = 0');
    connection.exec('CREATE TABLE "Filler" ("bytes" BLOB)');
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const checkpoints = startCheckpoints(file, 10);
    for (let time = 0; time < 20; time += 1) {
      const before = (await stat(file)).mtimeMs;
      connection.exec('INSERT INTO "Filler" VALUES (randomblob(5000000))');
      while ((await stat(file)).mtimeMs === before) await sleep(10);
      await sleep(50);
    }
    await checkpoints.stop();
    connection.close();
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });

  it('may be on its way into the file when the server stops', async () => {
    const url = await emptyDatabase();
    const database = await openDatabase(url);
    await database.session.createMany({ data: rows });
    await sleep(1_001);
    await database.$disconnect();
    expect(await readdir(dirname(url.replace('file:', '')))).toEqual(['test.db']);
  });
});
