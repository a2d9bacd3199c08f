import { type Command, Option } from 'commander';
import { readConfig } from '../config/config.ts';
import { openDatabase } from '../database/database.ts';
import { acceptClock } from '../maintenance/clock-check.ts';
import { adoptDatabase, inspectDatabase } from './adopt/adopt.ts';
import { describeAdoption, reportAdopted, reportFound } from './adopt/report.ts';

type AdoptOptions = { apply?: boolean; hashPlaintext?: boolean; resetPlaintext?: boolean; json?: boolean };

/** Adds the command that adopts a database of Blitz.js. */
export function addAdoptCommand(program: Command): void {
  program
    .command('adopt')
    .description('Inspect a Blitz.js database, and print the changes of an adoption. Only --apply makes the changes.')
    .option('--apply', 'make the changes, in one transaction; copies an SQLite file first')
    .addOption(
      new Option('--hash-plaintext', 'hash the passwords that are stored as plain text').conflicts('resetPlaintext'),
    )
    .addOption(new Option('--reset-plaintext', 'delete them: their users set new ones by mail'))
    .option('--json', 'print JSON, for programs')
    .action(async (options: AdoptOptions) => {
      const { databaseUrl: url, passwords, sessions } = readConfig();
      const now = new Date();
      const whenReset = options.resetPlaintext ? 'reset' : 'refuse';
      const plaintext = options.hashPlaintext ? 'hash' : whenReset;
      const found = await inspectDatabase(url, now);
      const settings = { plaintext, passwords, lifetimeMs: sessions.lifetimeMs, now } as const;
      if (!options.json) say(reportFound(found, settings));
      const isDone = found !== null && options.apply === true;
      const adopted = isDone ? await adoptDatabase(url, settings) : null;
      if (isDone) await trustClock(url, now);
      if (options.json) say([JSON.stringify(describeAdoption(found, adopted), null, 2)]);
      else if (isDone) say(reportAdopted(adopted));
    });
}

/** Keeps the old times of an application that was stopped long ago from being taken for a jump of the clock. */
async function trustClock(url: string, now: Date): Promise<void> {
  const database = await openDatabase(url);
  await acceptClock(database, now).finally(() => database.$disconnect());
}

function say(lines: string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
