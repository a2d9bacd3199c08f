/**
 * Runs the clients in examples/clients against a real server: `npm run check:clients`, or `npm run check:clients apollo`
 * for some of them. Each generates its files, checks its types, and goes through the life of an account.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../test/support/postgresql-server.ts';
import { type Client, findClients } from './clients.ts';
import { installPackages } from './install.ts';
import { startServer } from './server.ts';

/** In milliseconds: only for programs that hang. */
const timeoutMs = 120_000;

const run = promisify(execFile);
const parent = resolve('examples/clients');
const all = findClients(parent);
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.some((client) => client.name === name));
if (unknown.length > 0) {
  console.error(`There is no client ${unknown.join(', ')}. There are: ${all.map(({ name }) => name).join(', ')}.`);
  process.exit(1);
}

let failures = 0;
const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-clients-'));
try {
  await step('npm ci', () => installPackages(parent));
  const origin = `http://127.0.0.1:${await freePort()}`;
  const server = await startServer(folder, origin);
  const waiting = all.filter(({ name }) => asked.length === 0 || asked.includes(name));
  const work = async () => {
    for (let client = waiting.shift(); client; client = waiting.shift()) await check(client, server.url);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work)).finally(server.stop);
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? '\nEvery check passed.' : `\n${failures} failed.`);
process.exitCode = failures === 0 ? 0 : 1;

/** Takes the steps of a client in their order, as far as they succeed. */
async function check({ name, folder: cwd, scripts }: Client, url: string): Promise<void> {
  const options = { cwd, timeout: timeoutMs };
  for (const script of ['generate', 'typecheck'].filter((one) => scripts.includes(one))) {
    if (!(await step(`${name}: npm run ${script}`, () => run('npm', ['run', '--silent', script], options)))) return;
  }
  await step(`${name}: node check.ts`, () =>
    run(process.execPath, ['check.ts'], { ...options, env: { SESSIONS_URL: url } }),
  );
}

/** Prints whether an act succeeds and how long it takes, and the output of a program that fails. */
async function step(name: string, act: () => Promise<unknown>): Promise<boolean> {
  const began = performance.now();
  const time = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
  try {
    await act();
    console.log(`  ok      ${name} (${time()})`);
    return true;
  } catch (error) {
    failures += 1;
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const output = `${stdout}${stderr}`.trim() || (error instanceof Error ? error.message : error);
    console.log(`  FAILED  ${name} (${time()})\n${output}`);
    return false;
  }
}
