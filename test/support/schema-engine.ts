/** Prisma's schema engine on a database, to compare what it makes of a history with what this server makes of it. */
import { PrismaPg } from '@prisma/adapter-pg';
import { readModels } from '../../scripts/models.ts';
import {
  noFilters,
  onConnection,
  openSchemaEngine,
  type SchemaEngine,
  toMigrationList,
} from '../../scripts/schema-engine.ts';
import type { DialectName, Migration } from '../../src/database/migrations.ts';
import { sqliteAdapter } from '../../src/database/sqlite/open.ts';
import { onServer } from './postgresql-server.ts';

/** Applies migrations by the engine, each by itself, and returns the names of those that it applied. */
export async function applyByEngine(dialect: DialectName, place: string, migrations: Migration[]): Promise<string[]> {
  return withEngine(dialect, place, async (engine) => {
    const migrationsList = toMigrationList(dialect, migrations);
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: noFilters });
    return appliedMigrationNames;
  });
}

/** What the engine says of a database that is at the end of a history, and of rows that it would have written. */
export const inSync = { editedMigrationNames: [], failedMigrationNames: [], hasMigrationsTable: true, history: null };

/** Returns what the engine says of a database: which migrations failed, were edited since, or are missing. */
export async function diagnoseByEngine(dialect: DialectName, place: string, migrations: Migration[]) {
  return withEngine(dialect, place, (engine) =>
    engine.diagnoseMigrationHistory({
      migrationsList: toMigrationList(dialect, migrations),
      optInToShadowDatabase: false,
      filters: noFilters,
    }),
  );
}

/** `place` is the path of an SQLite file, or the URL of a PostgreSQL database. */
async function withEngine<T>(
  dialect: DialectName,
  place: string,
  act: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const factory = dialect === 'sqlite' ? sqliteAdapter(place) : new PrismaPg({ connectionString: place, max: 1 });
  const connection = await factory.connect();
  // Prisma's adapter cuts a script at every semicolon, also inside a quoted body. Its command line sends it whole.
  if (dialect === 'postgresql') connection.executeScript = async (script) => void (await onServer(place, script));
  try {
    return await act(await openSchemaEngine(await readModels(dialect), onConnection(connection)));
  } finally {
    await connection.dispose();
  }
}
