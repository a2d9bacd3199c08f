import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
} from '@prisma/driver-adapter-utils';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';
import { type DialectName, type Migration, migrationFolders } from '../src/database/migrations.ts';

export type SchemaEngine = engineModule.SchemaEngine;

/** Returns the history in the form that Prisma's schema engine takes. */
export function toMigrationList(dialect: DialectName, migrations: Migration[]) {
  return {
    baseDir: migrationFolders[dialect],
    lockfile: { path: './migration_lock.toml', content: `provider = "${dialect}"\n` },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value: sql } },
    })),
  };
}

/** No tables are managed by other migrations. */
export const noFilters = { externalTables: [], externalEnums: [] };

/**
 * One loading per process, not per module instance: a test runner may load this module more than once. The engine's own
 * module has one WebAssembly instance, and a second one would replace the memory of the first.
 */
const loadingKey = Symbol.for('graphql-sessions.schema-engine');
const shared = globalThis as { [loadingKey]?: Promise<void> };

/**
 * Opens Prisma's schema engine, compiled to WebAssembly, on the database of the adapter. The native engine is
 * downloaded at install, from a host that many machines cannot reach. This one comes from npm.
 */
export async function openSchemaEngine(
  datamodel: string,
  adapter: SqlMigrationAwareDriverAdapterFactory,
): Promise<SchemaEngine> {
  shared[loadingKey] ??= load();
  await shared[loadingKey];
  return engineModule.SchemaEngine.new(
    { datamodels: [['schema.prisma', datamodel]] },
    () => {},
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
}

/** The prefix of the engine's import for `setTimeout`. The name continues with a hash. */
const setTimeoutPrefix = '__wbg_setTimeout_';

/**
 * Sets a timer that keeps no process alive. The engine never clears its ten-second timeout for a lock, and a command
 * would wait for it before it ends.
 */
function setUnrefTimeout(act: () => void, milliseconds: number): NodeJS.Timeout {
  return setTimeout(act, milliseconds).unref();
}

async function load(): Promise<void> {
  const modulePath = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(modulePath.replace(/\.js$/, '.wasm'));
  // Instantiated from bytes, WebAssembly returns both the module and the instance.
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': Object.fromEntries(
      Object.entries(engineModule).map(([name, value]) => [
        name,
        name.startsWith(setTimeoutPrefix) ? setUnrefTimeout : value,
      ]),
    ) as WebAssembly.ModuleImports,
  });
  engineModule.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
}

/** The operations that the engine needs of a connection. */
type Connection = Pick<SqlDriverAdapter, 'provider' | 'adapterName' | 'queryRaw' | 'executeRaw' | 'executeScript'>;

/**
 * Returns an adapter that runs the engine on an open connection, instead of one of its own. `rewrite` may replace the
 * engine's statements that do not work there.
 */
export function onConnection(
  connection: Connection,
  rewrite: (query: SqlQuery) => SqlQuery = (query) => query,
): SqlMigrationAwareDriverAdapterFactory {
  const { provider, adapterName } = connection;
  const connect = async (): Promise<SqlDriverAdapter> => ({
    provider,
    adapterName,
    queryRaw: (query) => connection.queryRaw(rewrite(query)),
    executeRaw: (query) => connection.executeRaw(rewrite(query)),
    executeScript: (script) => connection.executeScript(script),
    startTransaction: () => Promise.reject(new Error('The schema engine is not known to begin transactions.')),
    dispose: async () => {},
  });
  return { provider, adapterName, connect, connectToShadowDb: connect };
}
