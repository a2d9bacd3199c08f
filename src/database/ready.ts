import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database.ts';
import { migrationFolders, readMigrations } from './migrations.ts';

/** The name of the newest migration. Both histories have the same steps. */
let newest: Promise<string> | undefined;

/**
 * Returns whether the database answers within the timeout and has the newest migration that this server knows. Never
 * throws.
 */
export async function isMigrated(database: Database, timeoutMs: number): Promise<boolean> {
  newest ??= readMigrations(migrationFolders.sqlite).then((migrations) => migrations.at(-1)?.name ?? '');
  const giveUp = new AbortController();
  const answer = newest
    .then(
      (name) => database.$queryRaw<unknown[]>`
        SELECT 1 FROM "_prisma_migrations" WHERE "migration_name" = ${name} AND "finished_at" IS NOT NULL`,
    )
    .then(
      (rows) => rows.length > 0,
      () => false,
    );
  const late = sleep(timeoutMs, false, { signal: giveUp.signal }).catch(() => false);
  return Promise.race([answer, late]).finally(() => giveUp.abort());
}
