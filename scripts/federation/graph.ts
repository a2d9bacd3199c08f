/** The graph of examples/federation: this server, the orders, and Hive Gateway in front of both. */
import { execFile } from 'node:child_process';
import { cp, rm, symlink, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { readConfig } from '../../src/config/config.ts';
import { type Database, migrateDatabase, openDatabase } from '../../src/database/database.ts';
import { printedSubgraph } from '../../src/graphql/schema.ts';
import { createApp } from '../../src/http/front-door.ts';
import { listen } from '../../src/http/server.ts';
import { commandScope } from '../../src/scope.ts';
import { createServiceClient } from '../../src/service-clients/service-client.ts';
import { freePort } from '../../test/support/ports.ts';
import { applicationHost } from '../checks/client.ts';
import { startProgram } from '../checks/processes.ts';
import { startRecorder } from './recorder.ts';

/** The address of a proxy in front of the gateway, which the server trusts as it trusts the gateway. */
export const trustedProxy = '127.0.0.3';

export type Graph = {
  /** The port of the gateway. */
  port: number;
  database: Database;
  /** The SQL of this server since a check last emptied this. */
  statements: string[];
  /** The unexpected errors of this server. */
  reported: unknown[];
  /** The headers of the requests that the server of the orders received. */
  receivedByOrders: IncomingHttpHeaders[];
  /** The output of the gateway. */
  printed(): string;
  stop(): Promise<void>;
};

/**
 * Starts everything in a folder of its own, with the files of the example, unchanged.
 *
 * @param modules - the folder `node_modules` with the packages of the example
 */
export async function startGraph(folder: string, modules: string): Promise<Graph> {
  await cp('examples/federation', folder, { recursive: true });
  await symlink(modules, join(folder, 'node_modules'));
  // The library, as it is packed.
  const library = join(modules, 'graphql-sessions');
  await rm(library, { force: true });
  await symlink(relative(modules, resolve()), library);
  const ends: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const accounts = await startAccounts(folder, ends);
    const address = (port: number) => `http://127.0.0.1:${port}`;
    const [orders, gateway] = await Promise.all([freePort(), freePort()]);
    const secrets = { CLIENT_ID: accounts.clientId, CLIENT_SECRET: accounts.secret };
    const env = { AUTH_URL: address(accounts.port), ...secrets, PORT: String(orders) };
    ends.push((await startProgram(process.execPath, ['orders.ts'], { cwd: folder, env, port: orders })).stop);
    const recorder = await startRecorder(orders);
    ends.push(recorder.stop);
    await writeFile(join(folder, 'accounts.graphql'), printedSubgraph());
    await promisify(execFile)(process.execPath, ['compose.ts'], {
      cwd: folder,
      env: { ACCOUNTS_URL: `${address(accounts.port)}/graphql`, ORDERS_URL: `${address(recorder.port)}/graphql` },
    });
    const running = await startProgram(process.execPath, [join(modules, '.bin/hive-gateway'), 'supergraph'], {
      cwd: folder,
      env: { PORT: String(gateway), INTROSPECTION: 'false' },
      port: gateway,
    });
    ends.push(running.stop);
    const { received: receivedByOrders } = recorder;
    return { ...accounts, port: gateway, receivedByOrders, printed: running.printed, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts this server as in production, in this process, so that its statements can be counted. */
async function startAccounts(folder: string, ends: (() => Promise<void>)[]) {
  const config = readConfig({
    NODE_ENV: 'production',
    DATABASE_URL: `file:${resolve(folder, 'accounts.db')}`,
    PUBLIC_URL: `https://${applicationHost}`,
    ALLOWED_HOSTS: '127.0.0.1',
    TRUSTED_PROXIES: `127.0.0.1,${trustedProxy}`,
    INTROSPECTION: 'false',
    SIGN_UPS_PER_ADDRESS: '10000',
    FEDERATION: 'true',
  });
  const statements: string[] = [];
  const reported: unknown[] = [];
  await migrateDatabase(config.databaseUrl);
  const database = await openDatabase(config.databaseUrl, { onQuery: (sql) => statements.push(sql) });
  ends.push(() => database.$disconnect());
  const client = { name: 'orders', scopes: ['introspect'] };
  const issued = await createServiceClient(database, commandScope(new Date()), client);
  const app = createApp({ database, config, report: (error) => reported.push(error) });
  const { port, stop } = await listen(app, { host: '127.0.0.1', port: 0 });
  ends.push(stop);
  return { port, database, statements, reported, clientId: issued.client.clientId, secret: issued.secret };
}
