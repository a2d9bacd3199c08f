import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Running } from '../checks/processes.ts';
import type { Server } from '../checks/server.ts';
import type { Steps } from '../checks/steps.ts';
import type { Accounts } from './accounts.ts';
import type { Addresses } from './addresses.ts';

export type Visit = {
  browser: Browser;
  addresses: Addresses;
  server: Accounts;
  /** Hides which accounts exist. */
  privateServer: Server;
  steps: Steps;
  show: Show;
};

/** Writes an image of a page, if images are wanted. */
export type Show = (page: Page, name: string) => Promise<void>;

export type Application = {
  name: string;
  build(addresses: Addresses): Promise<unknown>;
  start(addresses: Addresses, service: Accounts['service']): Promise<Running>;
  visit(visit: Visit): Promise<void>;
  /** Goes on after the server has stopped. */
  visitWithoutServer?(visit: Visit): Promise<void>;
};

/** In milliseconds: only for programs that hang. */
export const timeoutMs = 120_000;

/** Returns the function that writes images into a folder, or none without a folder. */
export function showIn(folder: string | undefined): Show {
  return async (page, name) => {
    if (folder === undefined) return;
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  };
}
