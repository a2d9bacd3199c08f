/** The line of a user in a file: one JSON object, as `export-users` writes and `import-users` reads it. */
import type { EncryptionKeys } from '../encryption/keys.ts';
import { OperatorError, ValidationError, type ValidationIssue } from '../errors.ts';
import { secretOf, totpParameters } from '../factors/authenticator-app.ts';
import { readTotp } from '../factors/totp-formats.ts';
import type { AuthenticatorApp, Passkey } from '../generated/sqlite/client.ts';
import { parseObject } from '../json.ts';
import { hashProblem } from '../passwords/hash-formats.ts';
import { prepareAccount, type User } from '../users/user.ts';
import { requireUsername } from '../users/username.ts';
import { formatPasskey, type PasskeyRecord, readPasskeys } from './passkey-records.ts';
import { orNull, type Reader, text, time } from './readers.ts';

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
  /** The secret of the authenticator app, in base32. */
  totp?: string | null;
  passkeys?: PasskeyRecord[];
  secondFactorSince?: Date | null;
};

type Field = keyof UserRecord;

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
  totp: {
    read: orNull((value) => {
      const reading = readTotp(value);
      return 'secret' in reading ? reading.secret : undefined;
    }),
    rule: (value) => {
      const reading = readTotp(value);
      return 'rule' in reading ? reading.rule : '';
    },
  },
  passkeys: {
    read: (value) => {
      const reading = readPasskeys(value);
      return 'passkeys' in reading ? reading.passkeys : undefined;
    },
    rule: (value) => {
      const reading = readPasskeys(value);
      return 'rule' in reading ? reading.rule : '';
    },
  },
  secondFactorSince: { read: orNull(time), rule: 'must be a time such as 2026-11-22T18:30:00Z, or null' },
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
  requireConsistentFactors(record);
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

/**
 * Requires that the need for a second factor comes with a factor: without one, nobody could sign in. An app always
 * comes with the need.
 */
function requireConsistentFactors({ totp, passkeys = [], secondFactorSince: since }: UserRecord): void {
  if (since === undefined || (since === null && !totp) || (since && (totp || passkeys.length > 0))) return;
  const rule = totp ? 'must be a time, because the user has totp' : 'needs totp or passkeys';
  throw new ValidationError([{ path: ['secondFactorSince'], message: `secondFactorSince ${rule}.` }]);
}

/** A user to export, with the factors if they were read. */
export type ExportedUser = User & { authenticatorApp?: AuthenticatorApp | null; passkeys?: Passkey[] };

export type RecordOptions = {
  withPasswordHash: boolean;
  /** The keys that decrypt the secrets of apps, if there are any. Null, the default, leaves the factors out. */
  factors?: { keys: EncryptionKeys | null } | null;
};

/** Returns the line of a user, without a line break. The hash of the password and the factors are there on request. */
export function formatUserRecord(user: ExportedUser, { withPasswordHash, factors = null }: RecordOptions): string {
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
    ...(factors && formatFactors(user, factors.keys)),
  });
}

/**
 * Returns the factors of a user as a line has them.
 *
 * @throws OperatorError without the keys that decrypt the secret of an app.
 */
function formatFactors(user: ExportedUser, keys: EncryptionKeys | null) {
  const { authenticatorApp: app, passkeys = [], secondFactorSince } = user;
  if (app && keys === null) {
    throw new OperatorError('ENCRYPTION_KEYS is not set: without the keys, authenticator apps cannot be decrypted.');
  }
  const totp = app && keys ? { secret: secretOf(keys, app), ...totpParameters } : null;
  const hasFactor = totp !== null || passkeys.length > 0;
  return { totp, passkeys: passkeys.map(formatPasskey), ...(hasFactor && { secondFactorSince }) };
}

function unknown(name: string): string {
  if (name === 'password') {
    return 'password is not imported. Set hashedPassword, or leave both out and let the user choose a password by a link.';
  }
  return `${JSON.stringify(name.slice(0, 50))} is not a field. The fields are ${Object.keys(fields).join(', ')}.`;
}
