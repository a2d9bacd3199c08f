import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../src/database/database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The URL of a database with all migrations and no rows. Every test gets a copy. */
    templateDatabase: string;
  }
}

/** Migrates one SQLite file. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-test-'));
  const url = `file:${join(folder, 'template.db')}`;
  await migrateDatabase(url);
  project.provide('templateDatabase', url);
  return () => rm(folder, { recursive: true });
}
