import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../src/database/database.ts';
import { findPostgresql, onServer, urlOf } from './postgresql-server.ts';

/** Migrates one PostgreSQL database, on a server that is started for the tests or that `TEST_DATABASE_URL` names. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await findPostgresql();
  // Another project may use the same server. PostgreSQL cuts names after 63 characters.
  const name = `gs_${project.name}_${process.pid}`;
  await onServer(server.url, `CREATE DATABASE "${name}"`);
  await migrateDatabase(urlOf(server.url, name));
  project.provide('templateDatabase', urlOf(server.url, name));
  return async () => {
    // The databases of the workers are named after it.
    const all = await onServer(server.url, `SELECT datname FROM pg_database WHERE starts_with(datname, '${name}')`);
    for (const { datname } of all) await onServer(server.url, `DROP DATABASE "${datname}" WITH (FORCE)`);
    await server.stop();
  };
}
