/** The steps of one client. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
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
  const { name, folder: cwd, scripts, hasPage } = client;
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
  for (const [file, { title, settings }] of Object.entries(furtherChecks(cwd))) {
    if (!existsSync(join(cwd, file))) continue;
    await steps.take(`${name}: node ${file}, with ${title}`, async () => {
      const server = await startServer(folder, settings);
      await check(file, server.url).finally(server.stop);
    });
  }
}

/** Returns the checks that some clients have for a server with other settings, by their files. */
function furtherChecks(cwd: string): Record<string, { title: string; settings: Record<string, string> }> {
  const path = join(cwd, 'src/generated/persisted-documents.json');
  return {
    'check-trusted.ts': {
      title: 'a server that executes only its documents',
      settings: { TRUSTED_DOCUMENTS: path, TRUSTED_DOCUMENTS_MODE: 'only' },
    },
    'check-enrolment.ts': {
      title: 'a server that demands a second factor',
      settings: { REQUIRE_SECOND_FACTOR: '*', ENCRYPTION_KEYS: createEncryptionKey() },
    },
    'check-proof-of-work.ts': {
      title: 'a server that asks for a proof of work',
      settings: { CAPTCHA_AFTER: '1', CAPTCHA_COST: '100' },
    },
  };
}
