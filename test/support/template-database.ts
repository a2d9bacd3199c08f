import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../src/database/database.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A database with all migrations and no rows, to be copied. */
    templateDatabase: string;
  }
}

/** Migrates one database, of which every test then gets a copy. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-test-'));
  const file = join(folder, 'template.db');
  await migrateDatabase(`file:${file}`);
  project.provide('templateDatabase', file);
  return () => rm(folder, { recursive: true });
}
