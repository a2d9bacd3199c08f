import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { Running } from '../checks/processes.ts';
import type { Addresses } from './addresses.ts';
import type { Server } from './server.ts';

export type Report = {
  failures: number;
  /** Prints whether an act succeeds, and how long it takes. Returns whether it did. */
  step(name: string, act: () => Promise<unknown>): Promise<boolean>;
  /** Writes an image of a page, if images are wanted. */
  show(page: Page, name: string): Promise<void>;
};

export type Visit = { browser: Browser; addresses: Addresses; server: Server; report: Report };

export type Application = {
  name: string;
  build(addresses: Addresses): Promise<unknown>;
  start(addresses: Addresses, service: Server['service']): Promise<Running>;
  visit(visit: Visit): Promise<void>;
  /** Goes on after the server has stopped. */
  visitWithoutServer?(visit: Visit): Promise<void>;
};

/** In milliseconds: only for programs that hang. */
export const timeoutMs = 120_000;

export function createReport(folder: string | undefined): Report {
  return {
    failures: 0,
    async step(name, act) {
      const began = performance.now();
      const time = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
      try {
        await act();
        console.log(`  ok      ${name} (${time()})`);
        return true;
      } catch (error) {
        this.failures += 1;
        const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
        const output = `${stdout}${stderr}`.trim() || (error instanceof Error ? error.message : error);
        console.log(`  FAILED  ${name} (${time()})\n${output}`);
        return false;
      }
    },
    async show(page, name) {
      if (folder === undefined) return;
      await mkdir(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`) });
    },
  };
}
