import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils';
import { type Migration, schemaFile } from './migrations.ts';
import { noFilters, openSchemaEngine } from './schema-engine.ts';
import { migrateSqlite, oneConnection } from './sqlite/migrate.ts';
import { sqliteAdapter } from './sqlite/open.ts';

/**
 * The SQL that is missing between the end of an SQLite history and the models of `schema.prisma`, or null if they
 * agree. It is found on a scratch database, which needs no server and no shadow database.
 */
export async function missingMigration(migrations: Migration[]): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-'));
  let connection: SqlDriverAdapter | undefined;
  try {
    const file = join(folder, 'scratch.db');
    const models = await readFile(schemaFile, 'utf8');
    await migrateSqlite(file, migrations, models);
    connection = await sqliteAdapter(file).connect();
    const engine = await openSchemaEngine(models, oneConnection(connection));
    const schemaOf = (content: string) => ({ files: [{ path: 'schema.prisma', content }] });
    const { schema: current } = await engine.introspect({
      schema: schemaOf('datasource db {\n  provider = "sqlite"\n}\n'),
      baseDirectoryPath: folder,
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
    await connection?.dispose();
    await rm(folder, { recursive: true });
  }
}

/**
 * Where a migration rebuilds a table, SQLite forgets the highest id that the old one ever gave out, and would give
 * the ids of deleted rows to new ones. Carries it over.
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
