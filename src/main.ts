import { loadEnvironmentFile, type MailPolicy } from './config/config.ts';
import { withoutPassword } from './database/url.ts';
import { OperatorError } from './errors.ts';
import { type OpenServer, openServer } from './server/open-server.ts';
import { printReport } from './server/report.ts';
import type { Address } from './server/server.ts';

/**
 * The time after which the process ends although stopping is not complete, so that its supervisor does not wait in
 * vain.
 */
const stopDeadlineMs = 9_500;

/** Reads the configuration, opens and migrates the database, and serves until a signal ends it. */
async function main(): Promise<void> {
  // No other user of the machine may read the database and the files beside it.
  process.umask(0o077);
  loadEnvironmentFile();
  const server = await openServer(undefined, { report: printReport });
  for (const name of server.appliedMigrations) say(`Migrated  ${name}`);
  const address = await server.listen().catch(async (error) => {
    await server.stop();
    throw error;
  });
  stopOnSignals(server);
  // The reader of this output may send a signal at once.
  announce(server, address);
}

function stopOnSignals(server: OpenServer): void {
  const { drainMs, startedByNpm } = server.config;
  let isStopping = false;
  const stop = (reason: string, exitCode: 0 | 1) => {
    if (isStopping) return;
    isStopping = true;
    say(`${reason}: finishing the requests in flight.`);
    setTimeout(() => process.exit(1), drainMs + stopDeadlineMs).unref();
    server.stop().then(
      () => process.exit(exitCode),
      (error) => {
        printReport(error);
        process.exit(1);
      },
    );
  };
  const stopFor = (signal: NodeJS.Signals) => stop(signal, 0);
  /** An operation may be incomplete without detection, so this process ends, and its supervisor starts a new one. */
  const fail = (error: unknown) => {
    printReport(error);
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

function announce({ config, hasNarrowIds }: OpenServer, { url }: Address): void {
  say(`Database  ${withoutPassword(config.databaseUrl)}`);
  say(`Mail      ${mailPlace(config.mail)}`);
  say(`GraphQL   ${url}`);
  say(config.graphiql ? `GraphiQL  ${url}  (open it in a browser)` : 'GraphiQL  off (GRAPHIQL=true turns it on)');
  if (hasNarrowIds) say('Ids       of 32 bits: run widen-ids once no server of an earlier version is left');
}

function mailPlace({ smtpUrl, folder }: MailPolicy): string {
  return smtpUrl === null ? `${folder}  (files; set SMTP_URL to send mail)` : new URL(smtpUrl).host;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().catch((error: unknown) => {
  console.error(error instanceof OperatorError ? error.message : error);
  process.exit(1);
});
