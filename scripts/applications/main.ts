/**
 * Checks the applications in examples/applications in Chromium: `npm run check:applications`, or
 * `npm run check:applications next` for one of them. Each is built as for production, and its users sign up, see their
 * devices, revoke one and log out. With `--screenshots FOLDER`, it writes an image of each page there.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { browserPath, launchOptions } from '../../test/support/chromium.ts';
import { chooseParts } from '../checks/choose.ts';
import { describeMissing } from '../checks/processes.ts';
import { beginSteps } from '../checks/steps.ts';
import { startAccounts, startPrivateServer } from './accounts.ts';
import { findAddresses } from './addresses.ts';
import { type Application, showIn, type Visit } from './application.ts';
import { nextApplication } from './next.ts';
import { prepare } from './prepare.ts';
import { spaApplication } from './spa.ts';

const all = [nextApplication, spaApplication];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { screenshots: { type: 'string' } },
});
const chosen = chooseParts('application', all, positionals);
if (browserPath === undefined) {
  console.error(describeMissing({ command: 'chromium', debianPackage: 'chromium' }));
  process.exit(1);
}

const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-applications-'));
const steps = beginSteps();
const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
try {
  await steps.take('npm ci', prepare);
  const addresses = await findAddresses();
  const server = await startAccounts(folder, addresses);
  ends.push(server.stop);
  const privateServer = await startPrivateServer(folder, addresses);
  ends.push(privateServer.stop);
  const browser = await chromium.launch(launchOptions());
  ends.push(() => browser.close());
  const visit = { browser, addresses, server, privateServer, steps, show: showIn(values.screenshots) };
  await Promise.all(chosen.map((application) => check(application, visit)));
  await server.stop();
  for (const application of chosen) await application.visitWithoutServer?.(visit);
} finally {
  for (const end of ends.reverse()) await end();
}
steps.finish();

/** Builds an application, starts it, and goes through it. */
async function check({ name, build, start, visit }: Application, context: Visit): Promise<void> {
  const { addresses, server } = context;
  const isStarted = await steps.take(`${name}: build and start`, async () => {
    await build(addresses);
    const { stop } = await start(addresses, server.service);
    ends.push(stop);
  });
  if (isStarted) await visit(context);
}
