/**
 * Runs the clients in examples/clients against a real server: `npm run check:clients`, or `npm run check:clients apollo`
 * for some of them. Each generates its files, checks its types, and goes through the life of an account.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { freePort } from '../../test/support/ports.ts';
import { chooseParts } from '../checks/choose.ts';
import { installLockedPackages } from '../checks/packages.ts';
import { startServer } from '../checks/server.ts';
import { beginSteps } from '../checks/steps.ts';
import { openBrowser } from './browser.ts';
import { checkClient } from './check.ts';
import { findClients } from './clients.ts';
import { servePages } from './pages.ts';

const parent = resolve('examples/clients');
const chosen = chooseParts('client', findClients(parent), process.argv.slice(2));

const steps = beginSteps();
const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-clients-'));
const ends = [() => rm(folder, { recursive: true, force: true })];
try {
  await run();
} finally {
  for (const end of ends.reverse()) await end();
}
steps.finish();

async function run(): Promise<void> {
  if (!(await steps.take('npm ci', () => installLockedPackages(parent)))) return;
  const origin = `http://127.0.0.1:${await freePort()}`;
  const server = await startServer(folder, { ALLOWED_ORIGINS: origin, ENCRYPTION_KEYS: createEncryptionKey() });
  ends.push(server.stop);
  const pages = await servePages(origin, server.url);
  ends.push(pages.stop);
  let opening: Promise<Browser> | undefined;
  const browser = () => {
    opening ??= openBrowser();
    return opening;
  };
  ends.push(async () => (await opening?.catch(() => null))?.close());
  const waiting = [...chosen];
  const stand = { graphqlUrl: server.url, pages, browser, folder };
  const work = async () => {
    for (let client = waiting.shift(); client; client = waiting.shift()) await checkClient(client, stand, steps);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}
