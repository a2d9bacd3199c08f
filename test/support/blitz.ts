import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type AdoptionOptions, adoptDatabase } from '../../src/blitz/adopt/adopt.ts';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/database.ts';
import { createApp } from '../../src/http/front-door.ts';
import { Client } from './api.ts';
import { temporaryFolder } from './database.ts';
import { globalIds, storedIds } from './ids.ts';

type Fixture = {
  users: { id: number; email: string; password: string; hashedPassword: string }[];
  sessions: {
    label: string;
    row: { handle: string; userId: number | null; hashedSessionToken: string | null; antiCSRFToken: string | null };
    cookies: Record<string, string>;
  }[];
};

const folder = 'test/fixtures/blitz';

/** The contents of the fixture's databases: passwords of users, and sessions as their browsers know them. */
export const blitz = JSON.parse(await readFile(join(folder, 'fixture.json'), 'utf8')) as Fixture;

/** Returns the URL of the test's own copy of a database that Blitz.js made. */
export async function blitzFile(name: 'before' | 'after'): Promise<string> {
  const file = join(await temporaryFolder(), `${name}.db`);
  await copyFile(join(folder, `${name}.db`), file);
  return `file:${file}`;
}

export const adoptionNow = new Date('2026-11-22T12:00:00.000Z');

export function adopt(url: string, options: Partial<AdoptionOptions> = {}) {
  const { passwords, sessions } = readConfig({});
  const { lifetimeMs } = sessions;
  return adoptDatabase(url, { plaintext: 'hash', passwords, lifetimeMs, now: adoptionNow, ...options });
}

/** Returns clients of a server on an adopted database, for the length of the test. */
export async function serve(url: string) {
  const database = await openDatabase(url);
  onTestFinished(() => database.$disconnect());
  const config = readConfig({});
  const app = createApp({ database, config, report: (error) => expect.fail(String(error)), now: () => adoptionNow });
  return { database, client: () => new Client(app, config.publicUrl) };
}

/** Expects that an adopted database gives out the ids after `bound`, and that sessions end by such an id. */
export async function expectIdsAfter(bound: bigint, url: string): Promise<void> {
  const { client } = await serve(url);
  const ada = client();
  await ada.signUp('ada@example.com', 'BEARER');
  const { session } = await client().login('ada@example.com', 'BEARER');
  expect(session.id).toBe(globalIds('Session', [bound + 2n])[0]);
  expect(await ada.act('revoke', { id: session.id }, '... on RevokePayload { revokedSessionId }')).toMatchObject({
    revokedSessionId: session.id,
  });
  expect((await storedIds({ url }, 'User')).at(-1)).toBe(bound + 1n);
}
