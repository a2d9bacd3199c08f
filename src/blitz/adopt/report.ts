/** The output of `adopt`, line by line. */
import type { Adopted, AdoptionOptions } from './adopt.ts';
import { ownTables } from './blitz-schema.ts';
import type { Inspection } from './inspection.ts';

const nothingToDo = 'This database already belongs to this server. There is nothing to adopt.';

/** Returns the report of an inspection, and of the changes that an adoption would make. */
export function reportFound(inspection: Inspection | null, options: AdoptionOptions): string[] {
  if (!inspection) return [nothingToDo];
  const { sessions, passwords } = inspection;
  return [
    `A Blitz.js database, at the migration ${inspection.blitzVersion} of Blitz.js.`,
    '',
    'Found:',
    `  ${many(inspection.tables.get('User') ?? 0, 'user')}: ${passwords.hash} with a password that stays valid, ` +
      `${passwords.none} without a password, ${passwords.plain} with a password in plain text`,
    `  ${many(sessions.total, 'session')}: ${sessions.live} live, ${sessions.over} ended, ` +
      `${sessions.anonymous} anonymous, ${sessions.ownerless} of deleted users`,
    ...section('Unusual:', unusual(inspection)),
    ...section('An adoption (--apply) does this, in one transaction:', steps(inspection, options)),
  ];
}

/** Returns the report of an adoption. */
export function reportAdopted(adopted: Adopted | null): string[] {
  if (!adopted) return [nothingToDo];
  const { inspection, backup, counts } = adopted;
  const rows = counts.map(({ table, before, after }) => `  ${table}: ${before} → ${after}`);
  return [
    '',
    'Done. Rows before and after:',
    ...rows,
    ...(backup ? [`Backup of the unchanged database: ${backup}`] : []),
    ...(backup && inspection.passwords.plain > 0
      ? ['The backup contains passwords in plain text. Delete it when you can.']
      : []),
  ];
}

/** Returns the same facts for programs, without passwords. `found` is null if there is nothing to adopt. */
export function describeAdoption(found: Inspection | null, adopted: Adopted | null) {
  if (found === null) return { found: null, adopted: null };
  const { blitzVersion, tables, passwords, sessions, sharedEmails, oddEmails, textTimes, converted } = found;
  const counts = { tables: Object.fromEntries(tables), passwords, sessions, sharedEmails, oddEmails };
  return {
    found: { blitzVersion, ...counts, textTimes, converted },
    adopted: adopted && { backup: adopted.backup, tables: adopted.counts },
  };
}

function unusual({ passwords, sessions, sharedEmails, oddEmails, textTimes }: Inspection): string[] {
  const texts = textTimes.map(({ table, column, count }) => `${many(count, 'time')} in ${table}.${column} as text`);
  return [
    ...when(passwords.unreadable, (n) => `${many(n, 'hash', 'hashes')} of passwords that this server cannot verify`),
    ...when(sharedEmails, (n) => `${many(n, 'address', 'addresses')} that several users share, ignoring case`),
    ...when(oddEmails, (n) => `${many(n, 'address', 'addresses')} in a form that this server does not accept`),
    ...when(sessions.endless, (n) => `${many(n, 'session')} without an expiry`),
    ...when(sessions.dangling, (n) => `${many(n, 'session')} whose user does not exist`),
    ...when(
      sessions.ancient,
      (n) => `${many(n, 'session')} that ended before 1990. Times in seconds would look like this`,
    ),
    ...texts,
  ];
}

function steps(inspection: Inspection, { plaintext, lifetimeMs, now }: AdoptionOptions): string[] {
  const { passwords, sessions, tables } = inspection;
  const others = [...tables.keys()].filter((table) => table !== 'User' && table !== 'Session');
  const until = new Date(now.getTime() + lifetimeMs).toISOString();
  const plain = {
    hash: 'hashes the passwords in plain text, so that they stay valid',
    reset: 'deletes the passwords in plain text: their users set new ones by mail',
    refuse: 'stops because of the passwords in plain text: choose --hash-plaintext or --reset-plaintext',
  }[plaintext];
  return [
    'gives User and Session the columns, types, indexes and foreign key of this server, and keeps all others',
    ...inspection.converted.map(
      ({ table, column, type }) =>
        `converts ${table}.${column} from ${type} to the type of this server: text, or times to the millisecond`,
    ),
    ...when(inspection.textTimes.length, () => 'converts times in text to the form of this server, to the millisecond'),
    ...when(sessions.endless, () => `sets the expiry of sessions without one to ${until} (SESSION_LIFETIME)`),
    ...when(sessions.dangling, () => 'sets userId to NULL in sessions whose user does not exist: they sign no user in'),
    ...when(passwords.plain, () => plain),
    ...when(
      passwords.unreadable,
      () => 'keeps the hashes that it cannot verify: their users set new passwords by mail',
    ),
    `adds the tables ${ownTables.join(', ')}`,
    'records its own migrations in _prisma_migrations',
    ...when(others.length, () => `leaves unchanged: ${others.join(', ')}`),
  ];
}

function section(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function when(count: number, line: (count: number) => string): string[] {
  return count > 0 ? [line(count)] : [];
}

function many(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
