import { loadEnvironmentFile, type MailPolicy, readFromEnvironment } from './config/config.ts';
import { readLogPolicy } from './config/log.ts';
import { isUnavailable } from './database/failures.ts';
import { withoutPassword } from './database/url.ts';
import { OperatorError } from './errors.ts';
import { type Log, type LogFormat, openLog } from './log/log.ts';
import { logFaults } from './log/repeated-faults.ts';
import { logRequests } from './monitoring/request-lines.ts';
import { type OpenServer, openServer } from './server/open-server.ts';
import type { Address } from './server/server.ts';

/**
 * The time after which the process ends although stopping is not complete, so that its supervisor does not wait in
 * vain.
 */
const stopDeadlineMs = 9_500;

/** Opens the log, and serves. */
async function main(): Promise<void> {
  // No other user of the machine may read the database and the files beside it.
  process.umask(0o077);
  loadEnvironmentFile();
  const { level, format } = readFromEnvironment(readLogPolicy);
  const log = openLog(level, format === 'auto' ? formatOf(process.stdout) : format);
  await serve(log).catch(async (error: unknown) => {
    if (error instanceof OperatorError) log.fail(error.message);
    else log.error('The server cannot start', error);
    await log.flush();
    process.exit(1);
  });
}

/** Opens and migrates the database, and serves until a signal ends it. */
async function serve(log: Log): Promise<void> {
  const faults = logFaults(log);
  const report = (error: unknown) =>
    isUnavailable(error)
      ? faults.report('The database does not answer', error, 'database')
      : faults.report('Unexpected error', error);
  const server = await openServer(undefined, { report, reportUnavailable: report, observe: logRequests(log) });
  for (const name of server.appliedMigrations) log.announce('Migrated', name);
  const address = await server.listen().catch(async (error) => {
    await server.stop();
    throw error;
  });
  stopOnSignals(server, log, () => faults.stop());
  // The reader of this output may send a signal at once.
  announce(log, server, address);
}

/** Says in which form a stream gets lines: for people if it is a terminal. */
function formatOf({ isTTY }: NodeJS.WriteStream): LogFormat {
  return isTTY ? 'text' : 'json';
}

function stopOnSignals(server: OpenServer, log: Log, tellFaults: () => void): void {
  const { drainMs, startedByNpm } = server.config;
  let isStopping = false;
  const exit = async (exitCode: 0 | 1) => {
    tellFaults();
    await log.flush();
    process.exit(exitCode);
  };
  const stop = (reason: string, exitCode: 0 | 1) => {
    if (isStopping) return;
    isStopping = true;
    log.announce('Stopping', `${reason}: finishing the requests in flight.`);
    setTimeout(() => process.exit(1), drainMs + stopDeadlineMs).unref();
    server.stop().then(
      () => exit(exitCode),
      (error) => {
        log.error('The server cannot stop in order', error);
        return exit(1);
      },
    );
  };
  const stopFor = (signal: NodeJS.Signals) => stop(signal, 0);
  /** An operation may be incomplete without detection, so this process ends, and its supervisor starts a new one. */
  const fail = (error: unknown) => {
    log.error('Uncaught error', error);
    stop('Uncaught error', 1);
  };
  if (startedByNpm) onceParentIsGone(() => stop('SIGTERM', 0));
  process.once('SIGTERM', stopFor);
  process.once('SIGINT', stopFor);
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
}

/** Calls `act` when the parent process has ended. */
function onceParentIsGone(act: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    act();
  }, 250);
  watch.unref();
}

function announce(log: Log, { config, hasNarrowIds }: OpenServer, { url }: Address): void {
  log.announce('Database', withoutPassword(config.databaseUrl));
  log.announce('Mail', mailPlace(config.mail));
  log.announce('GraphQL', url);
  log.announce('GraphiQL', config.graphiql ? `${url}  (open it in a browser)` : 'off (GRAPHIQL=true turns it on)');
  if (hasNarrowIds) log.announce('Ids', 'of 32 bits: run widen-ids once no server of an earlier version is left');
}

function mailPlace({ smtpUrl, folder }: MailPolicy): string {
  return smtpUrl === null ? `${folder}  (files; set SMTP_URL to send mail)` : new URL(smtpUrl).host;
}

main().catch((error: unknown) => {
  console.error(error instanceof OperatorError ? error.message : error);
  process.exit(1);
});
