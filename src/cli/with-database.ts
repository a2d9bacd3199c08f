import { readConfig } from '../config/config.ts';
import type { Clock } from '../database/clock.ts';
import { type Database, databaseExists, migrateDatabase, openClock, openDatabase } from '../database/database.ts';
import { redactUrl } from '../database/url.ts';
import { OperatorError } from '../errors.ts';
import { sayNotice } from './output.ts';

/**
 * Opens a database, migrates it as a server would, and closes it even after an error.
 *
 * @throws OperatorError if there is none, unless `isCreated` asks for a new one.
 */
export async function withDatabase<T>(
  act: (database: Database, clock: Clock) => Promise<T>,
  { isCreated = false } = {},
): Promise<T> {
  const { databaseUrl } = readConfig();
  if (!isCreated && !(await databaseExists(databaseUrl))) {
    throw new OperatorError(
      `DATABASE_URL is "${redactUrl(databaseUrl)}", but there is no database. \`migrate\` creates it.`,
    );
  }
  await migrateDatabase(databaseUrl, { report: sayNotice });
  const database = await openDatabase(databaseUrl);
  try {
    const clock = await openClock(databaseUrl, database);
    try {
      return await act(database, clock);
    } finally {
      clock.stop();
    }
  } finally {
    await database.$disconnect();
  }
}
