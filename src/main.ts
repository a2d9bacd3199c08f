/**
 * The program of the server. It imports only what it needs to catch signals, and loads the server after that, so that a
 * signal stops it in order from the first moment on.
 */
import { setImmediate as eventLoop } from 'node:timers/promises';
import type { MailPolicy } from './config/config.ts';
import { redactUrl } from './database/url.ts';
import type { Log, LogFormat } from './log/log.ts';
import type { OpenServer } from './server/open-server.ts';
import { printReport } from './server/report.ts';
import type { Address } from './server/server.ts';

/**
 * The time after which the process ends although stopping is not complete, so that its supervisor does not wait in
 * vain.
 */
const stopDeadlineMs = 9_500;

/** The request to stop the server, which comes once. Further signals change nothing. */
type StopRequest = {
  isMade: boolean;
  /** Is added to the time for stopping. 0 until the server listens. */
  drainMs: number;
  /** Resolves when the request is made. */
  made: Promise<void>;
  /** Makes the request, and sets the exit code. */
  make(reason: string, exitCode: 0 | 1): void;
};

/** Reads the configuration, opens and migrates the database, and serves until a signal ends it. */
async function main(): Promise<void> {
  const opened = Promise.withResolvers<Log>();
  const stop = catchSignals(opened.promise);
  const parent = process.ppid;
  // No other user of the machine may read the database and the files beside it.
  process.umask(0o077);
  const { openServer } = await import('./server/open-server.ts');
  const { readFromEnvironment } = await import('./config/config.ts');
  const { loadEnvironmentFile } = await import('./config/environment-file.ts');
  const { readLogPolicy } = await import('./config/monitoring/log.ts');
  const { openLog } = await import('./log/log.ts');
  const { logReports } = await import('./monitoring/reports.ts');
  const { logRequests } = await import('./monitoring/request-lines.ts');
  // Signals that came while the modules were loaded are delivered now.
  await eventLoop();
  loadEnvironmentFile();
  const { level, format } = readFromEnvironment(readLogPolicy);
  const log = openLog(level, format === 'auto' ? formatOf(process.stdout) : format);
  opened.resolve(log);
  const reports = logReports(log);
  const { report } = reports;
  try {
    if (stop.isMade) return;
    const waits = new AbortController();
    void stop.made.then(() => waits.abort());
    const hooks = { report, reportUnavailable: report, observe: logRequests(log), signal: waits.signal };
    const server = await openServer(undefined, hooks);
    for (const name of server.appliedMigrations) log.announce('Migrated', name);
    reloadOnSignal(server, report);
    if (server.config.startedByNpm) onceParentIsGone(parent, () => stop.make('SIGTERM', 0));
    void server.lost.then(() => stop.make('The database is lost', 1));
    if (!stop.isMade) await serve(log, server, stop);
    await stop.made;
    await server.stop();
  } catch (error) {
    // The wait for a migration has ended because of the signal.
    if (stop.isMade && (error as Error).name === 'AbortError') return;
    process.exitCode = 1;
    reports.fail(error);
  } finally {
    reports.stop();
    await log.flush();
  }
}

/** Returns the form of lines for a stream: text if it is a terminal, which people read. */
function formatOf({ isTTY }: NodeJS.WriteStream): LogFormat {
  return isTTY ? 'text' : 'json';
}

/** Listens, and prints the address. */
async function serve(log: Log, server: OpenServer, stop: StopRequest): Promise<void> {
  stop.drainMs = server.config.drainMs;
  const address = await server.listen().catch(async (error) => {
    await server.stop();
    throw error;
  });
  announce(log, server, address);
}

/** Turns signals and uncaught errors into a request to stop. They are logged as soon as the log is open. */
function catchSignals(opening: Promise<Log>): StopRequest {
  const { promise: made, resolve } = Promise.withResolvers<void>();
  const request: StopRequest = {
    isMade: false,
    drainMs: 0,
    made,
    make(reason, exitCode) {
      if (request.isMade) return;
      request.isMade = true;
      process.exitCode = exitCode;
      void opening.then((log) => log.announce('Stopping', `${reason}: finishing the requests in flight.`));
      setTimeout(() => process.exit(1), request.drainMs + stopDeadlineMs).unref();
      resolve();
    },
  };
  /** An operation may be incomplete without detection, so this process ends, and its supervisor starts a new one. */
  const fail = (error: unknown) => {
    void opening.then((log) => log.error('Uncaught error', error));
    request.make('Uncaught error', 1);
  };
  // Not `once`: without a handler, the next signal would end the process with all requests in flight.
  process.on('SIGTERM', (signal) => request.make(signal, 0));
  process.on('SIGINT', (signal) => request.make(signal, 0));
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  // The reader of the output may be gone (EPIPE), or its disk full. That is no reason to end requests.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  return request;
}

/**
 * Reloads the trusted documents on SIGHUP, as daemons do. Without any, and in a terminal, the signal ends the process: it
 * tells that the terminal was closed.
 */
function reloadOnSignal(
  { trustedDocuments, reloadTrustedDocuments }: OpenServer,
  report: (error: unknown) => void,
): void {
  if (trustedDocuments === null || process.stdout.isTTY) return;
  process.on('SIGHUP', () => void reloadTrustedDocuments().catch(report));
}

/** Calls `act` when the parent process has ended. */
function onceParentIsGone(parent: number, act: () => void): void {
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    act();
  }, 250);
  watch.unref();
}

function announce(log: Log, { config, hasNarrowIds, trustedDocuments }: OpenServer, { url }: Address): void {
  log.announce('Database', redactUrl(config.databaseUrl));
  log.announce('Mail', mailPlace(config.mail));
  log.announce('GraphQL', url);
  log.announce('GraphiQL', config.graphiql ? `${url}  (open it in a browser)` : 'off (GRAPHIQL=true turns it on)');
  if (trustedDocuments) {
    log.announce('Documents', `${trustedDocuments.count} trusted, mode ${trustedDocuments.mode}`);
  }
  if (hasNarrowIds) log.announce('Ids', 'of 32 bits: run widen-ids once no server of an earlier version is left');
}

function mailPlace({ smtpUrl, folder }: MailPolicy): string {
  return smtpUrl === null ? `${folder}  (files; set SMTP_URL to send mail)` : new URL(smtpUrl).host;
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    printReport(error);
    process.exit(1);
  },
);
