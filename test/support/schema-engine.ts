/** Runs Prisma's schema engine on a database, to compare its results with those of this server. */
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

/** Applies migrations with the engine, one by one, and returns the names of the applied ones. */
export async function applyByEngine(dialect: DialectName, place: string, migrations: Migration[]): Promise<string[]> {
  return withEngine(dialect, place, async (engine) => {
    const migrationsList = toMigrationList(dialect, migrations);
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: noFilters });
    return appliedMigrationNames;
  });
}

/** The result of the engine for a database at the end of a history, with the rows that the engine would write. */
export const inSync = { editedMigrationNames: [], failedMigrationNames: [], hasMigrationsTable: true, history: null };

/** Returns the engine's diagnosis of a database: the failed, edited and missing migrations. */
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
