/** @module-tag slow/process */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { fetchOver } from '../support/api.ts';
import { emptyDatabase, isPostgresql, openFile } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { onServer, urlOf } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';
import { firingAfter, hasPromtool, promtool, type Scrape } from '../support/promtool.ts';
import { readSeries } from '../support/series.ts';

const onPostgresql = isPostgresql(inject('templateDatabase'));

/** Longer than the time for which a server answers scrapes with the same state of its database. */
const keptMs = 5_100;

const minuteMs = 60_000;

async function start(env: Record<string, string> = {}, { url = '', wrapper = [] as string[] } = {}) {
  const port = await freePort();
  const databaseUrl = url || (await emptyDatabase());
  const server = await startServer(databaseUrl, { METRICS_PORT: String(port), ...env }, wrapper);
  const scrape = (): Promise<Scrape> =>
    fetch(`http://127.0.0.1:${port}/metrics`).then(
      (response) => response.text(),
      () => null,
    );
  const ask = (query: string, headers = {}) => fetchOver(server.address, query, headers);
  return { ...server, url: databaseUrl, scrape, ask };
}

/** Opens a connection to the database beside the server, until the test ends. */
async function connect(url: string): Promise<(sql: string) => Promise<unknown>> {
  if (!onPostgresql) {
    const file = openFile(url);
    return async (sql) => file.exec(sql);
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(() => client.end());
  return (sql) => client.query(sql);
}

/** Returns a time in the past or the future as the database stores it. */
function at(minutes: number): string {
  const time = new Date(Date.now() + minutes * minuteMs);
  return onPostgresql ? `'${time.toISOString()}'` : String(time.getTime());
}

const mail = (minutes: number) =>
  `INSERT INTO "Mail" ("createdAt", "sendAfter", "priority", "template", "recipient")
    VALUES (${at(minutes)}, ${at(minutes)}, 0, 'account-deleted', 'ada@example.com');`;
const lease = (name: string, minutes: number) =>
  `INSERT INTO "Lease" ("name", "holder", "expiresAt") VALUES ('${name}', 'a server that died', ${at(minutes)})
    ON CONFLICT ("name") DO UPDATE SET "holder" = excluded."holder", "expiresAt" = excluded."expiresAt";`;
const maintained = (minutes: number) =>
  `INSERT INTO "ClockReading" ("name", "at") VALUES ('maintenance', ${at(minutes)})
    ON CONFLICT ("name") DO UPDATE SET "at" = excluded."at";`;

const startSession = 'mutation { startSession { session { id } } }';
const signUp = (email: string) =>
  `mutation { signUp(email: "${email}", password: "correct horse battery staple", transport: BEARER) { __typename } }`;
const login = (email: string) =>
  `mutation { login(email: "${email}", password: "a wrong password", transport: BEARER) { __typename } }`;

describe.skipIf(!hasPromtool)('alerts', () => {
  it('are silent in ordinary use, and fire for ids near their end, a growing log, and a server that died', async () => {
    const { url, scrape, ask, child, ended } = await start();
    await ask(signUp('ada@example.com'));
    for (let n = 0; n < 3; n += 1) await ask(login('ada@example.com'));
    const healthy = await scrape();
    expect(await firingAfter(healthy, healthy)).toEqual([]);
    // The format of the text, and the names of the series.
    expect((await promtool(['check', 'metrics'], healthy ?? '')).output).not.toMatch(/graphql_sessions_|error/);
    const run = await connect(url);
    if (onPostgresql) await run(`SELECT setval('"Session_id_seq"', 8000000000000000000)`);
    else await run(`UPDATE "sqlite_sequence" SET "seq" = 8000000000000000000 WHERE "name" = 'Session'`);
    if (!onPostgresql) {
      const reader = await connect(url);
      await reader('BEGIN; SELECT * FROM "User"');
      await run('CREATE TABLE "Filler" ("bytes" BLOB); INSERT INTO "Filler" VALUES (zeroblob(140000000))');
    }
    await sleep(keptMs);
    const sick = await scrape();
    expect(await firingAfter(healthy, sick)).toEqual([
      'SessionsIdsNearEnd',
      ...(onPostgresql ? [] : ['SessionsLogLarge']),
    ]);
    child.kill('SIGKILL');
    await ended;
    expect(await firingAfter(healthy, await scrape())).toEqual(['SessionsServerDown']);
  });

  it('fire for an open transaction of somebody else, which keeps all servers from their background work', async () => {
    const { url, scrape, ask } = await start();
    const run = await connect(url);
    const lock = onPostgresql
      ? 'BEGIN; SELECT * FROM "Lease" FOR UPDATE; DELETE FROM "AuditEvent" WHERE false'
      : 'BEGIN IMMEDIATE';
    await run(
      `BEGIN; ${mail(-120)} ${lease('mail', -30)} ${lease('maintenance', -30)} ${maintained(-180)} COMMIT; ${lock}`,
    );
    const begun = await scrape();
    // SQLite has one writer at a time, so requests that write fail too.
    if (!onPostgresql) await Promise.all(Array.from({ length: 6 }, () => ask(startSession)));
    else await sleep(keptMs);
    const writes = onPostgresql ? ['SessionsEventLogBehind'] : ['SessionsServerErrors'];
    const expected = [
      ...writes,
      'SessionsLeaseStuck',
      'SessionsMailOld',
      'SessionsMailOverdue',
      'SessionsMaintenanceLate',
    ];
    expect(await firingAfter(begun, await scrape())).toEqual(expected.sort());
  });

  it('fire for a clock that jumped, and for one that differs from that of the database', async () => {
    const url = await emptyDatabase();
    const run = await connect(url);
    await run(maintained(onPostgresql ? -30 * 24 * 60 : 0));
    const preload = new URL('../support/shifted-clock.ts', import.meta.url).href;
    const shiftMs = (onPostgresql ? 60 : 30 * 24 * 60) * minuteMs;
    const { scrape } = await start({ CLOCK_SHIFT_MS: String(shiftMs), NODE_OPTIONS: `--import ${preload}` }, { url });
    const expected = ['SessionsClockJump', ...(onPostgresql ? ['SessionsClockSkew'] : [])];
    expect(await firingAfter(await scrape())).toEqual(expected);
  });

  it.runIf(onPostgresql)('fire for a database that refuses its server', async () => {
    const { url, scrape, ask } = await start();
    const name = new URL(url).pathname.slice(1);
    const admin = urlOf(url, 'postgres');
    await onServer(admin, `ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`);
    try {
      const end = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity';
      await onServer(admin, `${end} WHERE datname = '${name}' AND application_name = 'graphql-sessions'`);
      const begun = await scrape();
      for (let n = 0; n < 6; n += 1) await ask(startSession);
      expect(await firingAfter(begun, await scrape())).toEqual(['SessionsDatabaseDown', 'SessionsServerErrors']);
    } finally {
      await onServer(admin, `ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`);
    }
  });

  it.runIf(!onPostgresql)('fire for a mail server that is down', async () => {
    const url = await emptyDatabase();
    const run = await connect(url);
    for (let n = 0; n < 4; n += 1) await run(mail(-120));
    const { scrape } = await start({ SMTP_URL: `smtp://127.0.0.1:${await freePort()}` }, { url });
    const failed = 'graphql_sessions_mail_attempts_total{result="failed"}';
    await expect.poll(async () => readSeries((await scrape()) ?? '', failed)).toBeGreaterThanOrEqual(4);
    expect(await firingAfter(await scrape())).toEqual([
      'SessionsMailNotSent',
      'SessionsMailOld',
      'SessionsMailOverdue',
    ]);
  });

  it.runIf(!onPostgresql)(
    'fire for somebody who guesses passwords, from many addresses and faster than they are hashed',
    async () => {
      // Hashes that are slow on a fast processor too.
      const settings = { PASSWORD_QUEUE: '10', ARGON2_PASSES: '80', TRUSTED_PROXIES: '127.0.0.1' };
      const { scrape, ask } = await start(settings, { wrapper: ['taskset', '-c', '0'] });
      const begun = await scrape();
      let n = 0;
      let isOver = false;
      const guess = async () => {
        for (; !isOver; n += 1) {
          const address = `198.51.${n % 250}.7`;
          await ask(login(`user${n}@example.com`), { 'x-forwarded-for': address }).catch(() => {});
          // Many refused guesses would take the processor from the hashes.
          await sleep(300);
        }
      };
      const guesses = Promise.all(Array.from({ length: 30 }, guess));
      const read = (text: Scrape, series: string) => readSeries(text ?? '', `graphql_sessions_${series}`) ?? 0;
      await expect
        .poll(
          async () => {
            const text = await scrape();
            const waits = read(text, 'hashing_wait_seconds_count');
            const slow = waits - read(text, 'hashing_wait_seconds_bucket{le="1"}');
            return read(text, 'events_total{type="LOGIN_FAILED"}') >= 8 && slow > waits / 10;
          },
          { interval: 300 },
        )
        .toBe(true);
      const guessed = await scrape();
      isOver = true;
      await guesses;
      expect(await firingAfter(begun, guessed)).toEqual([
        'SessionsHashingSlow',
        'SessionsLoginsShed',
        'SessionsPasswordGuessing',
      ]);
    },
  );
});
