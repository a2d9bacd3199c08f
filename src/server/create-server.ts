/** The public interface of the package: a server in a program. */
import type { Plugin } from 'graphql-yoga';
import type { Environment } from '../config/variables.ts';
import type { AppOptions } from '../http/front-door.ts';
import type { Observer } from '../http/messages.ts';
import type { RequestFacts } from '../log/request-facts.ts';
import { openServer } from './open-server.ts';
import { printReport } from './report.ts';
import type { Address, Server } from './server.ts';

export type { Address, Environment, Observer, RequestFacts, Server };

export type ServerOptions = {
  /**
   * The settings, by the names of the environment variables. `.env.example` lists them with their defaults. By default
   * they are `process.env`, which this object replaces. A file `.env` is not read.
   */
  env?: Environment | undefined;
  /**
   * Is called once with every unexpected error, and with notices for the operator: their `severity` is `info`,
   * `warning` or `error`, and their `message` is one sentence. By default, they are printed on standard error. If the
   * SQLite file was removed or replaced, it gets a sentence, and the server stops.
   */
  report?: ((error: unknown) => void) | undefined;
  /** Observes every request and its answer once: for metrics, traces and request ids. */
  observe?: Observer | undefined;
  /** Plugins of Yoga that run for every operation, once. Those for HTTP (`onRequest`, `onResponse`) are not called. */
  plugins?: Plugin[] | undefined;
};

/**
 * The type of plugins that know the context. A plugin that does not runs with every context, but Yoga's type of plugins
 * does not say so, because `onPluginInit` receives the other plugins.
 */
type ContextPlugin = NonNullable<AppOptions['plugins']>[number];

/**
 * Creates a server: reads the settings, migrates the database and opens it, and starts the background work (mail, the
 * deletion of old data). New files get the permissions that the umask of the process leaves, so a program with a
 * database in SQLite should set `process.umask(0o077)`, as the command line does.
 *
 * @throws Error with a sentence for the operator, if a setting is invalid, the database cannot be opened or migrated,
 *   or another server has the SQLite file.
 */
export async function createServer(options: ServerOptions = {}): Promise<Server> {
  const { env, report = printReport, observe, plugins = [] } = options;
  const hooks = { report, plugins: plugins as unknown[] as ContextPlugin[], ...(observe && { observe }) };
  const { listen, fetch, reloadTrustedDocuments, stop } = await openServer(env, hooks);
  return { listen, fetch, reloadTrustedDocuments, stop };
}
