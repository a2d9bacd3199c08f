import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
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

/** Opens a browser for the length of a test. */
export async function openBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', ...quiet.map((flag) => `--${flag}`)];
  const browser = await chromium.launch({ executablePath: browserPath ?? '', args });
  onTestFinished(() => browser.close());
  return browser;
}
