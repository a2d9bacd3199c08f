import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';

export type SchemaEngine = engineModule.SchemaEngine;

/** No tables are managed by somebody else's migrations. */
export const noFilters = { externalTables: [], externalEnums: [] };

let loading: Promise<void> | undefined;

/**
 * Prisma's own schema engine, compiled to WebAssembly, on the database that the adapter connects to.
 * The native engine is downloaded at install, from a host that many machines cannot reach; this one comes with npm.
 */
export async function openSchemaEngine(
  datamodel: string,
  adapter: SqlMigrationAwareDriverAdapterFactory,
  log: (line: string) => void = () => {},
): Promise<SchemaEngine> {
  loading ??= load();
  await loading;
  return engineModule.SchemaEngine.new(
    { datamodels: [['schema.prisma', datamodel]] },
    log,
    bindMigrationAwareSqlAdapterFactory(adapter),
  );
}

async function load(): Promise<void> {
  const modulePath = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(modulePath.replace(/\.js$/, '.wasm'));
  // Instantiated from bytes, WebAssembly gives both the module and the instance.
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': engineModule as unknown as WebAssembly.ModuleImports,
  });
  engineModule.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
}
