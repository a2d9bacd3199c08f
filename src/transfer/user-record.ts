/** The line of a user in a file: one JSON object, as `export-users` writes and `import-users` reads it. */
import { ValidationError, type ValidationIssue } from '../errors.ts';
import { parseObject } from '../json.ts';
import { hashProblem } from '../passwords/hash-formats.ts';
import { prepareAccount, type User } from '../users/user.ts';
import { requireUsername } from '../users/username.ts';

/** The fields of a line, checked and normalised. A field that the line leaves out is absent. */
export type UserRecord = {
  email: string;
  name?: string | null;
  username?: string | null;
  role?: string;
  hashedPassword?: string | null;
  emailVerifiedAt?: Date | null;
  suspendedAt?: Date | null;
  createdAt?: Date;
};

type Field = keyof UserRecord;
type Reader<T> = (value: unknown) => T | undefined;

/** The reader of each field, and the rule for its value. */
const fields: { [Name in Field]: { read: Reader<UserRecord[Name]>; rule: string | ((value: unknown) => string) } } = {
  email: { read: text, rule: 'must be an address such as ada@example.com' },
  name: { read: orNull(text), rule: 'must be a text or null' },
  username: { read: orNull(text), rule: 'must be a text or null' },
  role: { read: text, rule: 'must be a text' },
  hashedPassword: {
    read: orNull((value) => (typeof value === 'string' && hashProblem(value) === null ? value : undefined)),
    rule: (value) => (typeof value === 'string' ? hashProblem(value) : null) ?? 'must be a text or null',
  },
  emailVerifiedAt: { read: orNull(time), rule: 'must be a time such as 2026-11-22T18:30:00Z, or null' },
  suspendedAt: { read: orNull(time), rule: 'must be a time such as 2026-11-22T18:30:00Z, or null' },
  createdAt: { read: time, rule: 'must be a time such as 2026-11-22T18:30:00Z' },
};

/**
 * Returns the user of a line.
 *
 * @throws ValidationError with all problems. It repeats no values, which may contain secrets.
 */
export function parseUserRecord(line: string): UserRecord {
  const values = parseObject(line);
  if (values === null) throw new ValidationError([{ path: [], message: 'The line is not a JSON object.' }]);
  const entries = Object.entries(values);
  const issues: ValidationIssue[] = [];
  const read = entries.map(([name, value]) => {
    const field = Object.hasOwn(fields, name) ? fields[name as Field] : null;
    const result = field?.read(value);
    if (result === undefined) {
      const rule = typeof field?.rule === 'function' ? field.rule(value) : field?.rule;
      issues.push({ path: [name], message: rule ? `${name} ${rule}.` : unknown(name) });
    }
    return [name, result];
  });
  if (!entries.some(([name]) => name === 'email')) issues.push({ path: ['email'], message: 'email is missing.' });
  if (issues.length > 0) throw new ValidationError(issues);
  // Every field was read by the reader of its name, and email is there.
  const record = Object.fromEntries(read) as UserRecord;
  const { email, name, role } = prepareAccount(record);
  const username = record.username == null ? null : requireUsername(record.username).name;
  return {
    ...record,
    email,
    ...('name' in record && { name }),
    ...('username' in record && { username }),
    ...('role' in record && { role }),
  };
}

/** Returns the line of a user, without a line break. The hash of the password is included only on request. */
export function formatUserRecord(user: User, { withPasswordHash }: { withPasswordHash: boolean }): string {
  const { email, name, username, role, hashedPassword, emailVerifiedAt, suspendedAt, createdAt } = user;
  return JSON.stringify({
    email,
    name,
    username,
    role,
    ...(withPasswordHash && { hashedPassword }),
    emailVerifiedAt,
    suspendedAt,
    createdAt,
  } satisfies UserRecord);
}

function unknown(name: string): string {
  if (name === 'password') {
    return 'password is not imported. Set hashedPassword, or leave both out and let the user choose a password by a link.';
  }
  return `${JSON.stringify(name.slice(0, 50))} is not a field. The fields are ${Object.keys(fields).join(', ')}.`;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function orNull<T>(read: Reader<T>): Reader<T | null> {
  return (value) => (value === null ? null : read(value));
}

const rfc3339 =
  /^(?<date>(?:19[7-9]\d|[2-9]\d{3})-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/** The maximum length of a time, in characters. No time of these formats is as long. */
const maxTimeLength = 40;

/** Reads a time of RFC 3339, from 1970 on, to the millisecond. Finer digits are cut off. */
function time(value: unknown): Date | undefined {
  const match = typeof value === 'string' && value.length <= maxTimeLength ? rfc3339.exec(value) : null;
  if (!match) return undefined;
  // JavaScript parses the 30th of February as the 2nd of March.
  const day = match.groups?.date ?? '';
  const isDay = new Date(`${day}T00:00:00Z`).toJSON()?.startsWith(day);
  const read = new Date(match[0].toUpperCase());
  return isDay && !Number.isNaN(read.getTime()) ? read : undefined;
}
