/** @module-tag repeated */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import { readConfig } from '../src/config/config.ts';
import { inspectSettings } from '../src/config/inspect/settings.ts';
import { migrateDatabase, openDatabase } from '../src/database/database.ts';
import { isSqliteUrl, redactUrl } from '../src/database/url.ts';
import { OperatorError } from '../src/errors.ts';
import { emptyDatabase } from './support/database.ts';
import { runNode } from './support/process.ts';

const marks = { user: 'xus3rx', password: 'xpa55x' };
const marked = new RegExp(Object.values(marks).join('|'), 'i');

const names = ['DATABASE_URL', 'DATABASE_REPLICA_URL', 'SMTP_URL', 'PASSWORD_RANGE_URL'] as const;

const schemes = [
  'postgresql',
  'postgres',
  'smtp',
  'smtps',
  'https',
  'mysql',
  'file',
  'postgresq',
  'jdbc:postgresql',
  '',
];
const odd = fc.constantFrom(
  '',
  '#',
  '/',
  '?',
  '@',
  ':',
  '%',
  '%zz',
  '\\',
  ' ',
  '[',
  '&',
  '1',
  '123/',
  '12#',
  '12?',
  '\n',
);
/** Nothing listens on this port. */
const host = fc.constantFrom('127.0.0.1:1', '127.0.0.1', 'db1:5432,db2:5432', '127.0.0.1:port', '', '[::1', '[::1]:1');

/** A user and a password that are marked, with odd characters in and around them. */
const credentials = fc
  .tuple(odd, odd, odd, odd, fc.constantFrom(':', '', '::', '/'))
  .map(([a, b, c, d, colon]) => `${a}${marks.user}${b}${colon}${c}${marks.password}${d}`);

/** URLs as people mistype them: parts that are missing, several hosts, another scheme, special characters. */
const malformedUrl = fc
  .record({
    scheme: fc.constantFrom(...schemes),
    slashes: fc.constantFrom('://', ':', ':/', '//', ''),
    credentials,
    at: fc.constantFrom('@', '@', '@', ''),
    host,
    path: fc.constantFrom('/app', '/', '', '/app?schema=public', '/app#x'),
    parameter: fc.constantFrom('', '', `?password=${marks.password}`, `?user=${marks.user}`),
  })
  .map((part) => [part.scheme, part.slashes, part.credentials, part.at, part.host, part.path, part.parameter].join(''))
  .filter((value) => !isMistaken(value.trim()));

/** Returns whether a value without any credentials is meant: the path of a file, or a host and a database. */
function isMistaken(value: string): boolean {
  return isSqliteUrl(value) || /^file:[^@]*$/.test(value) || /^\w+:\/\/[^/:@?#]+(:\d+)?(\/[^:@?#]*)?(\?|$)/.test(value);
}

/** Returns everything that a server or a command prints because of a value. */
async function printedFor(name: string, value: string): Promise<string> {
  const described = JSON.stringify(inspectSettings({ [name]: value }, new Set(), [readConfig]));
  return described + (await printedByServerFor(name, value));
}

async function printedByServerFor(name: string, value: string): Promise<string> {
  try {
    const { databaseUrl, databaseReplicaUrl, mail } = readConfig({ [name]: value });
    if (mail.smtpUrl !== null) return new URL(mail.smtpUrl).host;
    const url = databaseReplicaUrl ?? databaseUrl;
    if (!name.startsWith('DATABASE')) return '';
    const isHere = ['127.0.0.1:1', '[::1]:1'].includes(URL.parse(url)?.host ?? '');
    const errors = isHere ? await Promise.all([migrateDatabase, openDatabase].map((open) => errorOf(open(url)))) : [];
    return [redactUrl(url), ...errors].join('\n');
  } catch (error) {
    expect(error).toBeInstanceOf(OperatorError);
    return inspect(error, { depth: 9, showHidden: true });
  }
}

function errorOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => '',
    (error: unknown) => inspect(error, { depth: 9, showHidden: true }),
  );
}

describe('malformed connection string', () => {
  it.each(names)('in %s is rejected or used without its user and its password in any message', async (name) => {
    await fc.assert(
      fc.asyncProperty(malformedUrl, async (value) => {
        expect(await printedFor(name, value)).not.toMatch(marked);
      }),
      { numRuns: inject('isShort') ? 300 : 3_000 },
    );
  });

  it.each([
    `postgresql://${marks.user}:${marks.password}@db1:5432,db2:5432/app`,
    `postgresql://${marks.user}:1${marks.password}#x@127.0.0.1:1/app`,
    `postgresql://${marks.user}:123/${marks.password}@127.0.0.1:1/app`,
    `postgresql://${marks.user}:123?${marks.password}@127.0.0.1:1/app`,
    `postgresql://127.0.0.1:1/app?user=${marks.user}&password=${marks.password}`,
    `postgresql://${marks.user}:%zz${marks.password}@127.0.0.1:1/app`,
    `postgresql://@${marks.user}:123/${marks.password}?127.0.0.1:1/app`,
    `smtp://${marks.user}:25/${marks.password}@127.0.0.1`,
    `smtp://${marks.user}:@${marks.password}?127.0.0.1:1/app`,
    `file:${marks.user}:${marks.password}@127.0.0.1/app`,
    `${marks.user}:${marks.password}@127.0.0.1/app`,
    marks.password,
  ])('%s is not repeated', async (value) => {
    for (const name of names) expect(await printedFor(name, value)).not.toMatch(marked);
  });

  it('is detected by this test if it is repeated', () => {
    expect(`DATABASE_URL is "postgresql://${marks.user}:${marks.password.toUpperCase()}@db"`).toMatch(marked);
  });

  it('is in no output of the server and the command line', { tags: ['slow/process'] }, async () => {
    for (const value of fc.sample(malformedUrl, inject('isShort') ? 1 : 4)) {
      for (const name of names) {
        const env = { DATABASE_URL: await emptyDatabase(), PORT: '0', [name]: value };
        const runs = [runNode('src/cli.ts', ['prune', '--dry-run'], env), runNode('src/main.ts', [], env)];
        const ended = runs.map(async (run) => {
          // A server that accepts the value is stopped.
          await run.until(/^GraphiQL/m).then(
            () => run.child.kill('SIGTERM'),
            () => {},
          );
          const { stdout, stderr } = await run.ended;
          return stdout + stderr;
        });
        for (const printed of await Promise.all(ended)) expect(printed).not.toMatch(marked);
      }
    }
  });
});
