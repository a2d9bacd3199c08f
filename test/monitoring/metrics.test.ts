/** @module-tag slow/process */
import { writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetchOver, password } from '../support/api.ts';
import { emptyDatabase, isPostgresql, temporaryFolder } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { runNode, startServer } from '../support/process.ts';
import { readSeries } from '../support/series.ts';

async function start(env: Record<string, string> = {}) {
  const port = await freePort();
  const url = await emptyDatabase();
  const server = await startServer(url, { METRICS_PORT: String(port), ...env });
  const ask = (query: string, headers = {}) => fetchOver(server.address, query, headers);
  const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return { ...server, url, port, ask, scrape };
}

const email = 'ada@example.com';
const enter = (secret: string) =>
  `mutation Enter { login(email: "${email}", password: "${secret}", transport: BEARER) {
    ... on SignInPayload { token } } }`;

describe('metrics', () => {
  it('count requests, refusals, sessions and events, and read the outbox and the leases', async () => {
    const { url, ask, scrape, address } = await start();
    await ask(`mutation { signUp(email: "${email}", password: "${password}", transport: BEARER) { __typename } }`);
    const { body } = await ask(enter(password));
    await ask(enter('wrong horse battery'));
    await ask('mutation { startSession { session { id } } }');
    await ask('query SomeNameOfAClient { viewer { id } }');
    await ask('mutation { logout { revokedSessionId } }', { authorization: `Bearer ${body.data.login.token}` });
    await fetch(new URL('/some/path/of/a/client', address));
    const text = await scrape();
    const values = {
      'request_duration_seconds_count{route="/graphql",type="mutation",status="2xx"}': 5,
      'request_duration_seconds_count{route="/graphql",type="query",status="2xx"}': 1,
      'request_duration_seconds_count{route="none",type="none",status="4xx"}': 1,
      'refusals_total{code="INVALID_CREDENTIALS"}': 1,
      'refusals_total{code="BAD_REQUEST"}': 1,
      'sessions_started_total{of="user"}': 2,
      'sessions_started_total{of="visitor"}': 1,
      'sessions_ended_total{reason="LOGOUT"}': 1,
      'events_total{type="LOGGED_IN"}': 1,
      'events_total{type="LOGIN_FAILED"}': 1,
      hashing_wait_seconds_count: 3,
      hashing_queue: 0,
      hashing_refused_total: 0,
      'events_total{type="USER_DELETED"}': 0,
      sessions_live: 2,
      mails_given_up_total: 0,
      events_lag_seconds: 0,
      database_up: 1,
      'database_connections{state="waiting"}': 0,
    };
    const found = Object.keys(values).map((series) => [series, readSeries(text, `graphql_sessions_${series}`)]);
    expect(Object.fromEntries(found)).toEqual(values);
    const kinds = isPostgresql(url) ? ['read', 'statement', 'begin'] : ['statement', 'begin', 'commit'];
    for (const kind of kinds) {
      const series = `graphql_sessions_database_seconds_count{kind="${kind}",result="ok"}`;
      expect(readSeries(text, series), kind).toBeGreaterThan(0);
    }
    expect(readSeries(text, 'graphql_sessions_hashing_seconds_count{task="hash"}')).toBe(1);
    expect(readSeries(text, 'graphql_sessions_hashing_seconds_count{task="check"}')).toBe(2);
    expect(readSeries(text, 'graphql_sessions_oldest_mail_seconds')).toBeGreaterThanOrEqual(0);
    expect(text).toMatch(/^graphql_sessions_build_info\{version="\d+\.\d+\.\d+",node="\d+\.\d+\.\d+"\} 1$/m);
    expect(Math.abs(readSeries(text, 'graphql_sessions_clock_skew_seconds') ?? 9)).toBeLessThan(1);
    expect(readSeries(text, 'graphql_sessions_storage_bytes{part="database"}')).toBeGreaterThan(10_000);
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
    // Nothing that a client made up is a label.
    expect(text).not.toMatch(/SomeNameOfAClient|some\/path|ada@/);
  });

  it('are on their own port only, and at their own path only', async () => {
    const { address, port } = await start();
    expect((await fetch(new URL('/metrics', address))).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/graphql`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status).toBe(404);
  });

  it('ask the database at most once in five seconds, however many scrapes come', async () => {
    const { scrape } = await start();
    const began = performance.now();
    const texts = await Promise.all(Array.from({ length: 15 }, scrape));
    for (let n = 0; n < 5; n += 1) texts.push(await scrape());
    const answers = texts.map((text) => readSeries(text, 'graphql_sessions_database_answer_seconds'));
    const intervals = Math.floor((performance.now() - began) / 5_000);
    expect(new Set(answers).size).toBeLessThanOrEqual(1 + intervals);
  });

  it('are not served by default, and their library is not loaded', async () => {
    const loaded = async (env: Record<string, string>) => {
      const probe = join(await temporaryFolder(), 'probe.mjs');
      const has = "Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('@prometheus-io'))";
      await writeFile(
        probe,
        `import { createRequire } from 'node:module';
        process.on('exit', () => console.log('Library', ${has}));`,
      );
      const server = await startServer(await emptyDatabase(), { NODE_OPTIONS: `--import ${probe}`, ...env });
      server.child.kill('SIGTERM');
      return /^Library (.*)$/m.exec((await server.ended).stdout)?.[1];
    };
    expect(await loaded({})).toBe('false');
    expect(await loaded({ METRICS_PORT: String(await freePort()) })).toBe('true');
  });

  it('do not keep the server from stopping, also with a scraper connected', async () => {
    const { child, ended, port } = await start();
    const open = get({ port, path: '/metrics', headers: { connection: 'keep-alive' } });
    open.on('error', () => {});
    await new Promise((resolve) => open.once('response', resolve));
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });

  it('stop the start with a sentence if their port is taken', async () => {
    const { port } = await start();
    const env = { DATABASE_URL: await emptyDatabase(), PORT: '0', METRICS_PORT: String(port) };
    const { code, stderr } = await runNode('src/main.ts', [], env).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^METRICS_HOST is "127\.0\.0\.1" and METRICS_PORT is "\d+", but the server cannot listen/);
  });
});
