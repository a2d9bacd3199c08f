import { setTimeout as sleep } from 'node:timers/promises';
import { readBlitzSessions } from './blitz/sessions.ts';
import { type Config, loadEnvironmentFile, type MailPolicy, readConfig, readFromEnvironment } from './config/config.ts';
import { claimDatabase, hasNarrowIds, migrateDatabase, openClock, openDatabase } from './database/database.ts';
import { withoutPassword } from './database/url.ts';
import { OperatorError } from './errors.ts';
import { createApp, graphqlPath } from './http/front-door.ts';
import { listen, type RunningServer } from './http/server.ts';
import { startDelivery } from './mail/delivery.ts';
import { readTemplates } from './mail/templates.ts';
import { openMailTransport } from './mail/transport.ts';
import { startMaintenance } from './maintenance/maintenance.ts';
import { openSigningKeys } from './signing-keys/signing-keys.ts';

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
  const config = readConfig();
  const legacySessions = readFromEnvironment(readBlitzSessions);
  const render = await readTemplates(config.mail.templates);
  const release = await claimDatabase(config.databaseUrl);
  const applied = await migrateDatabase(config.databaseUrl);
  for (const name of applied) say(`Migrated  ${name}`);
  const report = (error: unknown) => console.error(error);
  const pool = { poolSize: config.databasePoolSize, report };
  const database = await openDatabase(config.databaseUrl, pool);
  const replicaUrl = config.databaseReplicaUrl;
  const replica = replicaUrl === null ? database : await openDatabase(replicaUrl, pool);
  const clock = await openClock(config.databaseUrl, database);
  const signingKeys = await openSigningKeys(database, config, clock, report);
  const app = createApp({ database, replica, config, report, now: () => clock.now(), legacySessions, signingKeys });
  const server = await listen(app, config).catch((error) => {
    throw new OperatorError(
      `HOST is "${config.host}" and PORT is "${config.port}", but the server cannot listen there: ${error.message}.`,
    );
  });
  const maintenance = startMaintenance(database, config, clock, { report });
  const { appUrl } = config.mail;
  const delivery = startDelivery({
    database,
    transport: openMailTransport(config.mail),
    render,
    appUrl,
    clock,
    report,
  });

  const finish = async () => {
    await sleep(config.drainMs);
    await Promise.all([server.stop(), maintenance.stop(), delivery.stop()]);
    clock.stop();
    await Promise.all([database.$disconnect(), replica.$disconnect()]);
    await release();
  };
  let isStopping = false;
  const stop = (reason: string, exitCode: 0 | 1) => {
    if (isStopping) return;
    isStopping = true;
    say(`${reason}: finishing the requests in flight.`);
    app.drain();
    setTimeout(() => process.exit(1), config.drainMs + stopDeadlineMs).unref();
    finish().then(
      () => process.exit(exitCode),
      (error) => {
        report(error);
        process.exit(1);
      },
    );
  };
  const stopFor = (signal: NodeJS.Signals) => stop(signal, 0);
  /** An operation may be incomplete without detection, so this process ends, and its supervisor starts a new one. */
  const fail = (error: unknown) => {
    report(error);
    stop('Uncaught error', 1);
  };
  if (config.startedByNpm) onceParentIsGone(() => stop('SIGTERM', 0));
  process.once('SIGTERM', stopFor);
  process.once('SIGINT', stopFor);
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  // The reader of this output may send a signal at once.
  announce(config, server);
  if (hasNarrowIds(database)) say('Ids       of 32 bits: run widen-ids once no server of an earlier version is left');
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

function announce(config: Config, { port }: RunningServer): void {
  const url = new URL(graphqlPath, config.publicUrl);
  if (url.port === '0') url.port = String(port);
  say(`Database  ${withoutPassword(config.databaseUrl)}`);
  say(`Mail      ${mailPlace(config.mail)}`);
  say(`GraphQL   ${url}`);
  say(config.graphiql ? `GraphiQL  ${url}  (open it in a browser)` : 'GraphiQL  off (GRAPHIQL=true turns it on)');
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
