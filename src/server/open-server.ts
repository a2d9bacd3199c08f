import { setTimeout as sleep } from 'node:timers/promises';
import { blitzSettingNames } from '../blitz/config.ts';
import { readBlitzSessions } from '../blitz/sessions.ts';
import { type Config, readConfig, readFromEnvironment } from '../config/config.ts';
import { requireNoMisspelling } from '../config/names.ts';
import type { Environment } from '../config/variables.ts';
import { hasNarrowIds } from '../database/database.ts';
import { OperatorError } from '../errors.ts';
import { toNodeId } from '../graphql/node-id.ts';
import { type App, type AppOptions, createApp, graphqlPath } from '../http/front-door.ts';
import { listen, type RunningServer } from '../http/server.ts';
import { startDelivery } from '../mail/delivery.ts';
import { type Render, readTemplates } from '../mail/templates.ts';
import { openMailTransport } from '../mail/transport.ts';
import { startMaintenance } from '../maintenance/maintenance.ts';
import { startRevocations } from '../maintenance/revocations.ts';
import { observeAll } from '../monitoring/observe-all.ts';
import { openSigningKeys, type SigningKeys } from '../signing-keys/signing-keys.ts';
import type { Streams } from '../streams/streams.ts';
import { openTrustedDocuments, type TrustedDocuments } from '../trusted-documents/trusted-documents.ts';
import { startWebhooks } from '../webhooks/delivery/worker.ts';
import { startMetrics, startTraces } from './monitoring.ts';
import type { Address, Server } from './server.ts';
import { openStore, type Store } from './store.ts';
import { startStreams } from './streams.ts';
import { warnAboutSettings, watchForProxy } from './warnings.ts';

type Hooks = Pick<AppOptions, 'report' | 'reportUnavailable' | 'observe' | 'plugins'> & {
  /** Ends a wait for the locks of a migration. */
  signal?: AbortSignal;
};

/** A server, and the facts that the program of the command line prints about it. */
export type OpenServer = Server & {
  config: Config;
  /** The names of the migrations that were applied now. */
  appliedMigrations: readonly string[];
  /** True if ids still have 32 bits, in a PostgreSQL database of an earlier version. */
  hasNarrowIds: boolean;
  /** The documents that clients execute by id. Null if there are none. */
  trustedDocuments: TrustedDocuments | null;
  /** Resolves if the files of the database are lost: removed or replaced. The server then stops by itself. */
  lost: Promise<void>;
};

/**
 * Opens everything that a server consists of: its configuration, its databases, the front door and the background work.
 * After a failure, nothing stays open.
 *
 * @param env - the settings. The environment of this process by default.
 * @throws OperatorError as `createServer` does.
 */
export async function openServer(env: Environment | undefined, { signal, ...hooks }: Hooks): Promise<OpenServer> {
  readFromEnvironment((environment) => requireNoMisspelling(environment, blitzSettingNames), env);
  const config = readConfig(env);
  const legacySessions = readFromEnvironment(readBlitzSessions, env);
  const render = await readTemplates(config.mail.templates);
  const trustedDocuments =
    config.trustedDocuments && (await openTrustedDocuments(config.trustedDocuments, hooks.report));
  const store = await openStore(config, hooks.report, signal);
  const { database, replica, clock, appliedMigrations } = store;
  const observers: { stop(): Promise<void> }[] = [];
  const close = async () => {
    await Promise.all(observers.map((observer) => observer.stop()));
    await store.close();
  };
  // The operator knows already that the database is lost.
  const unlessLost = (report: Hooks['report'] | undefined) => (error: unknown) => {
    if (!store.isLost()) report?.(error);
  };
  try {
    const signingKeys = await openSigningKeys(database, config, clock, hooks.report);
    const now = () => clock.now();
    const metrics = await startMetrics(store, config);
    if (metrics) observers.push(metrics);
    const traces = await startTraces(config, hooks.report);
    if (traces) observers.push(traces);
    const watch = watchForProxy(config, hooks.report);
    const observe = observeAll([watch, metrics?.observe, traces?.observe, hooks.observe]);
    const report = unlessLost(hooks.report);
    const reportUnavailable = unlessLost(hooks.reportUnavailable);
    const streams = startStreams(store, config, report);
    const documents = { trustedDocuments, signingKeys, legacySessions };
    const options = { database, replica, config, now, streams, logReader: streams.log, ...documents, ...hooks };
    const app = createApp({ ...options, report, reportUnavailable, observe, run: traces?.run });
    warnAboutSettings(config, hooks.report);
    const stopBackground = startBackground(store, config, { render, trustedDocuments, signingKeys, report });
    const reload = async () => trustedDocuments?.reload();
    const server = serve(app, config, { reload, streams, stopBackground, close });
    void store.lost.then(server.stop).catch(hooks.report);
    const facts = { config, appliedMigrations, hasNarrowIds: hasNarrowIds(database), trustedDocuments };
    return { ...server, ...facts, lost: store.lost };
  } catch (error) {
    await close();
    throw error;
  }
}

type BackgroundParts = {
  render: Render;
  trustedDocuments: TrustedDocuments | null;
  signingKeys: SigningKeys | null;
  report: Hooks['report'];
};

/** Starts maintenance, the delivery of mail, revocations and the watch of files. Returns a function that ends all. */
function startBackground(
  { database, clock }: Store,
  config: Config,
  { render, trustedDocuments, signingKeys, report }: BackgroundParts,
): () => Promise<unknown> {
  const { encryptionKeys } = config;
  const { appUrl } = config.mail;
  const maintenance = startMaintenance(database, config, clock, { report });
  const transport = openMailTransport(config.mail);
  const delivery = startDelivery({ database, transport, render, appUrl, clock, encryptionKeys, report });
  const webhooks = startWebhooks({ database, policies: config, signingKeys, toGlobalId: toNodeId, clock, report });
  const revocations = startRevocations({ database, clock, report });
  const watch = trustedDocuments?.watch();
  const parts = [maintenance, delivery, webhooks, revocations, watch];
  return () => Promise.all(parts.map((part) => part?.stop()));
}

type Parts = {
  reload(): Promise<void>;
  streams: Streams;
  stopBackground(): Promise<unknown>;
  close(): Promise<void>;
};

/** Returns the functions of a server over its app. */
function serve(app: App, config: Config, { reload, streams, stopBackground, close }: Parts): Server {
  let listening: Promise<RunningServer> | null = null;
  let stopping: Promise<void> | null = null;
  let isClosing = false;
  const fetching = new Set<Promise<Response>>();

  async function finish(): Promise<void> {
    // A failed attempt to listen is reported to its caller.
    const running = await listening?.catch(() => null);
    if (running) await Promise.all([sleep(config.drainMs), streams.drain(config.drainMs)]);
    isClosing = true;
    await streams.stop();
    await Promise.all([running?.stop(), Promise.allSettled(fetching), stopBackground()]);
    await close();
  }

  return {
    async listen() {
      if (stopping) throw new Error('The server has been stopped. Create a new one.');
      if (listening) throw new Error('The server listens already.');
      listening = listen(app, config);
      try {
        return addressOf(config, (await listening).port);
      } catch (error) {
        listening = null;
        throw cannotListen(config, error);
      }
    },
    async fetch(request, clientAddress = null) {
      // A closed database would be opened again.
      if (isClosing) throw new Error('The server has been stopped. Create a new one.');
      const answering = app.fetch(request, clientAddress);
      fetching.add(answering);
      return answering.finally(() => fetching.delete(answering));
    },
    reloadTrustedDocuments: reload,
    stop() {
      app.drain();
      stopping ??= finish();
      return stopping;
    },
  };
}

function addressOf({ publicUrl }: Config, port: number): Address {
  const url = new URL(graphqlPath, publicUrl);
  if (url.port === '0') url.port = String(port);
  return { url: url.href, port };
}

function cannotListen({ host, port }: Config, error: unknown): OperatorError {
  return new OperatorError(
    `HOST is "${host}" and PORT is "${port}", but the server cannot listen there: ${(error as Error).message}.`,
  );
}
