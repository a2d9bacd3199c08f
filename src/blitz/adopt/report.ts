/** What `adopt` says, line by line. */
import type { Adopted, AdoptionOptions } from './adopt.ts';
import { ownTables } from './blitz-schema.ts';
import type { Inspection } from './inspection.ts';

const nothingToDo = 'This database is this server’s own already. There is nothing to take over.';

/** What was found, and what taking it over does. */
export function reportFound(inspection: Inspection | null, options: AdoptionOptions): string[] {
  if (!inspection) return [nothingToDo];
  const { sessions, passwords } = inspection;
  return [
    `A database of Blitz.js, as its migration ${inspection.blitzVersion} left it.`,
    '',
    'Found:',
    `  ${many(inspection.tables.get('User') ?? 0, 'user')}: ${passwords.hash} with a password that goes on, ` +
      `${passwords.none} without one, ${passwords.plain} with one in plain text`,
    `  ${many(sessions.total, 'session')}: ${sessions.live} live, ${sessions.over} over, ` +
      `${sessions.anonymous} anonymous, ${sessions.ownerless} of deleted users`,
    ...section('Unusual:', unusual(inspection)),
    ...section('Taking it over (--apply) does this, in one transaction:', steps(inspection, options)),
  ];
}

/** What was done. */
export function reportAdopted(adopted: Adopted | null): string[] {
  if (!adopted) return [nothingToDo];
  const { inspection, backup, counts } = adopted;
  const rows = counts.map(({ table, before, after }) => `  ${table}: ${before} → ${after}`);
  return [
    '',
    'Done. Rows before and after:',
    ...rows,
    ...(backup ? [`The database as it was: ${backup}`] : []),
    ...(backup && inspection.passwords.plain > 0
      ? ['Passwords in plain text are still in there: delete it when you can.']
      : []),
  ];
}

function unusual({ passwords, sessions, sharedEmails, oddEmails, textTimes }: Inspection): string[] {
  const texts = textTimes.map(({ table, column, count }) => `${many(count, 'time')} of ${table}.${column} in text`);
  return [
    ...when(passwords.unreadable, (n) => `${many(n, 'hash', 'hashes')} of a password that this server cannot verify`),
    ...when(
      sharedEmails,
      (n) => `${many(n, 'address', 'addresses')} that several users have but for upper and lower case`,
    ),
    ...when(oddEmails, (n) => `${many(n, 'address', 'addresses')} of a form that this server gives to nobody`),
    ...when(sessions.endless, (n) => `${many(n, 'session')} without an expiry`),
    ...when(sessions.dangling, (n) => `${many(n, 'session')} of a user who is not there`),
    ...when(sessions.ancient, (n) => `${many(n, 'session')} that ended before 1990, as times in seconds would look`),
    ...texts,
  ];
}

function steps(inspection: Inspection, { plaintext, lifetimeMs, now }: AdoptionOptions): string[] {
  const { passwords, sessions, tables } = inspection;
  const others = [...tables.keys()].filter((table) => table !== 'User' && table !== 'Session');
  const until = new Date(now.getTime() + lifetimeMs).toISOString();
  const plain = {
    hash: 'hashes the passwords in plain text, so that they go on',
    reset: 'forgets the passwords in plain text: their users choose new ones by mail',
    refuse: 'refuses to begin, because of the passwords in plain text: --hash-plaintext or --reset-plaintext',
  }[plaintext];
  return [
    'gives User and Session the columns, types, indexes and the foreign key of this server, and keeps all others',
    ...inspection.converted.map(
      ({ table, column, type }) =>
        `gives ${table}.${column}, of the type ${type}, the type of this server: text, or times to the millisecond`,
    ),
    ...when(inspection.textTimes.length, () => 'writes times that are text as this server does, to the millisecond'),
    ...when(sessions.endless, () => `lets sessions without an expiry end at ${until} (SESSION_LIFETIME)`),
    ...when(sessions.dangling, () => 'takes the users who are not there from their sessions, which sign nobody in'),
    ...when(passwords.plain, () => plain),
    ...when(passwords.unreadable, () => 'keeps the hashes that it cannot verify: their users choose new ones by mail'),
    `adds the tables ${ownTables.join(', ')}`,
    'notes its own migrations in _prisma_migrations',
    ...when(others.length, () => `leaves as they are: ${others.join(', ')}`),
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
