import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { launchOptions } from './chromium.ts';

/** Opens a browser for the length of a test. */
export async function openBrowser(): Promise<Browser> {
  const browser = await chromium.launch(launchOptions());
  onTestFinished(() => browser.close());
  return browser;
}

/**
 * Opens a browser that keeps its cookies in a folder, as that of a user does. It finds all hosts over https at this port
 * of the machine.
 */
export async function openProfile(folder: string, port: number): Promise<BrowserContext> {
  const options = launchOptions([`--host-resolver-rules=MAP *:443 127.0.0.1:${port}`]);
  const context = await chromium.launchPersistentContext(folder, { ...options, ignoreHTTPSErrors: true });
  onTestFinished(() => context.close());
  return context;
}
