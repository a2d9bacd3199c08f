import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlDriverAdapter, SqlQuery } from '@prisma/driver-adapter-utils';
import type { DialectName, Migration } from '../src/database/migrations.ts';
import { migratePostgresql } from '../src/database/postgresql/migrate.ts';
import { migrateSqlite } from '../src/database/sqlite/migrate.ts';
import { sqliteAdapter } from '../src/database/sqlite/open.ts';
import { readStoredModels } from './models.ts';
import { noFilters, onConnection, openSchemaEngine } from './schema-engine.ts';

/**
 * Returns the SQL that leads from the end of a history to the models of `schema.prisma`, or null if they agree.
 *
 * @param scratch - the URL of an empty database or, for SQLite, the path of a file that does not exist yet
 */
export async function missingMigration(
  dialect: DialectName,
  migrations: Migration[],
  scratch: string,
): Promise<string | null> {
  const models = await readStoredModels(dialect);
  const connection = await openMigrated(dialect, migrations, scratch);
  try {
    const engine = await openSchemaEngine(models, onConnection(connection, adaptQuery));
    const schemaOf = (content: string) => ({ files: [{ path: 'schema.prisma', content }] });
    const { schema: current } = await engine.introspect({
      schema: schemaOf(`datasource db {\n  provider = "${dialect}"\n}\n`),
      baseDirectoryPath: process.cwd(),
      force: false,
      compositeTypeDepth: 0,
      namespaces: null,
    });
    const { exitCode, stdout } = await engine.diff({
      from: { tag: 'schemaDatamodel', ...current },
      to: { tag: 'schemaDatamodel', ...schemaOf(models) },
      script: true,
      exitCode: true,
      filters: noFilters,
    });
    return exitCode === 0 ? null : withAutoincrementMemory(stdout ?? '');
  } finally {
    await connection.dispose();
  }
}

/** Opens a connection to the scratch database, migrated to the end of the history. */
async function openMigrated(dialect: DialectName, migrations: Migration[], scratch: string): Promise<SqlDriverAdapter> {
  if (dialect === 'sqlite') {
    await migrateSqlite(scratch, migrations);
    return sqliteAdapter(scratch).connect();
  }
  await migratePostgresql(scratch, migrations);
  return new PrismaPg({ connectionString: scratch, max: 1 }).connect();
}

/**
 * Adapts queries of the engine: it asks PostgreSQL for constraints in a type that Prisma's adapter cannot read, and
 * does not expect those of version 18 for NOT NULL.
 */
function adaptQuery(query: SqlQuery): SqlQuery {
  const sql = query.sql
    .replace('constr.contype AS constraint_type', 'constr.contype::text AS constraint_type')
    .replace('con.confdeltype,', 'con.confdeltype::text,')
    .replace('con.confupdtype,', 'con.confupdtype::text,')
    .replace("NOT IN ('p', 'u', 'f')", "NOT IN ('p', 'u', 'f', 'n')");
  return { ...query, sql };
}

/**
 * Carries the AUTOINCREMENT counter over when a migration rebuilds a table. Otherwise SQLite forgets the highest id
 * that the old table ever assigned, and assigns the ids of deleted rows again.
 */
export function withAutoincrementMemory(sql: string): string {
  return sql.replace(
    /^DROP TABLE "(\w+)";\nALTER TABLE "(new_\1)" RENAME TO "\1";$/gm,
    (statements, table: string, rebuilt: string) =>
      [
        '-- Carry the AUTOINCREMENT memory over, so that no id is ever given out twice',
        `DELETE FROM "sqlite_sequence" WHERE "name" = '${rebuilt}';`,
        `INSERT INTO "sqlite_sequence" ("name", "seq") SELECT '${rebuilt}', "seq" FROM "sqlite_sequence" WHERE "name" = '${table}';`,
        statements,
      ].join('\n'),
  );
}
