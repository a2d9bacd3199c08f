/** The steps of one client. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { checkPage } from './browser.ts';
import type { Client } from './clients.ts';
import type { Pages } from './pages.ts';
import type { Steps } from './steps.ts';

/** In milliseconds: only for programs that hang. */
const timeoutMs = 120_000;

/** The programs that the clients share. */
export type Stand = { graphqlUrl: string; pages: Pages; browser: () => Promise<Browser> };

const run = promisify(execFile);

/** Takes the steps of a client in their order, up to the first that fails. */
export async function checkClient(client: Client, stand: Stand, steps: Steps): Promise<void> {
  const { name, folder: cwd, scripts, hasPage } = client;
  const { graphqlUrl, pages, browser } = stand;
  const options = { cwd, timeout: timeoutMs };
  for (const script of ['generate', 'typecheck'].filter((one) => scripts.includes(one))) {
    const act = () => run('npm', ['run', '--silent', script], options);
    if (!(await steps.take(`${name}: npm run ${script}`, act))) return;
  }
  const check = () => run(process.execPath, ['check.ts'], { ...options, env: { SESSIONS_URL: graphqlUrl } });
  if (!(await steps.take(`${name}: node check.ts, with a bearer token`, check)) || !hasPage) return;
  await steps.take(`${name}: page.html in Chromium, with a cookie`, async () => {
    await checkPage(await browser(), await pages.add(name, cwd), graphqlUrl);
  });
}
