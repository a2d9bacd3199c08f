/** The steps of one client. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { startServer } from '../checks/server.ts';
import type { Steps } from '../checks/steps.ts';
import { checkPage } from './browser.ts';
import type { Client } from './clients.ts';
import type { Pages } from './pages.ts';

/** In milliseconds: only for programs that hang. */
const timeoutMs = 120_000;

/** The server, the pages and the browser that the clients share, and a folder for further servers. */
export type Stand = { graphqlUrl: string; pages: Pages; browser: () => Promise<Browser>; folder: string };

const run = promisify(execFile);

/** Takes the steps of a client in their order, up to the first that fails. */
export async function checkClient(client: Client, stand: Stand, steps: Steps): Promise<void> {
  const { name, folder: cwd, scripts, hasPage, hasManifest } = client;
  const { graphqlUrl, pages, browser, folder } = stand;
  const options = { cwd, timeout: timeoutMs };
  for (const script of ['generate', 'typecheck'].filter((one) => scripts.includes(one))) {
    const act = () => run('npm', ['run', '--silent', script], options);
    if (!(await steps.take(`${name}: npm run ${script}`, act))) return;
  }
  const check = async (file: string, url: string) => {
    const { stdout } = await run(process.execPath, [file], { ...options, env: { SESSIONS_URL: url } });
    assert.match(stdout, /^All steps passed\.$/m);
  };
  if (!(await steps.take(`${name}: node check.ts, with a bearer token`, () => check('check.ts', graphqlUrl)))) return;
  if (hasPage) {
    await steps.take(`${name}: page.html in Chromium, with a cookie`, async () => {
      await checkPage(await browser(), await pages.add(name, cwd), graphqlUrl);
    });
  }
  if (hasManifest) {
    await steps.take(`${name}: node check-trusted.ts, with a server that executes only its documents`, async () => {
      const path = join(cwd, 'src/generated/persisted-documents.json');
      const trusting = await startServer(folder, { TRUSTED_DOCUMENTS: path, TRUSTED_DOCUMENTS_MODE: 'only' });
      await check('check-trusted.ts', trusting.url).finally(trusting.stop);
    });
  }
}
