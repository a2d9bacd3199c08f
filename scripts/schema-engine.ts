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

/** The history in the form that Prisma's schema engine takes. */
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

/** No tables are managed by somebody else's migrations. */
export const noFilters = { externalTables: [], externalEnums: [] };

/**
 * Of the process, and not of this module, which a test runner may load more than once: the engine's own module has one
 * instance in it, and a second one would pull the memory from under the first.
 */
const loadingKey = Symbol.for('graphql-sessions.schema-engine');
const shared = globalThis as { [loadingKey]?: Promise<void> };

/**
 * Prisma's own schema engine, compiled to WebAssembly, on the database that the adapter connects to.
 * The native engine is downloaded at install, from a host that many machines cannot reach; this one comes with npm.
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

/** What the engine calls to wait. The name goes on with a hash. */
const setTimeoutPrefix = '__wbg_setTimeout_';

/** It never takes back the ten seconds that it grants to a lock, for which a command would wait before it ends. */
function setUnrefTimeout(act: () => void, milliseconds: number): NodeJS.Timeout {
  return setTimeout(act, milliseconds).unref();
}

async function load(): Promise<void> {
  const modulePath = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(modulePath.replace(/\.js$/, '.wasm'));
  // Instantiated from bytes, WebAssembly gives both the module and the instance.
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

/** What the engine needs of a connection. */
type Connection = Pick<SqlDriverAdapter, 'provider' | 'adapterName' | 'queryRaw' | 'executeRaw' | 'executeScript'>;

/**
 * Lets the engine work on a connection that is open, instead of on one of its own.
 * `rewrite` may replace statements of the engine's that do not fit there.
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
