import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
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

/**
 * Gives a page a device that makes passkeys, with a finger that is always there. Returns its id, and the tools that know
 * its passkeys.
 */
export async function addVirtualAuthenticator(page: Page) {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('WebAuthn.enable');
  const { authenticatorId } = await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { devTools, authenticatorId };
}
