import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { onTestFinished } from 'vitest';

/** The path of an installed Chromium or Chrome. Undefined without one. */
export const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

const quiet = [
  'disable-background-networking',
  'disable-component-update',
  'disable-sync',
  'disable-quic',
  'no-first-run',
];

/** Returns how the installed browser is started. */
function optionsWith(flags: string[]) {
  const args = ['--no-sandbox', '--disable-gpu', ...quiet.map((flag) => `--${flag}`), ...flags];
  return { executablePath: browserPath ?? '', args };
}

/** Opens a browser for the length of a test. */
export async function openBrowser(): Promise<Browser> {
  const browser = await chromium.launch(optionsWith([]));
  onTestFinished(() => browser.close());
  return browser;
}

/**
 * Opens a browser that keeps its cookies in a folder, as that of a user does. It finds all hosts over https at this port
 * of the machine.
 */
export async function openProfile(folder: string, port: number): Promise<BrowserContext> {
  const options = optionsWith([`--host-resolver-rules=MAP *:443 127.0.0.1:${port}`]);
  const context = await chromium.launchPersistentContext(folder, { ...options, ignoreHTTPSErrors: true });
  onTestFinished(() => context.close());
  return context;
}
