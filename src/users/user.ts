import type { PasswordPolicy } from '../config.ts';
import type { Db } from '../database/database.ts';
import {
  EmailTakenError,
  InvalidCredentialsError,
  UserNotFoundError,
  ValidationError,
  type ValidationIssue,
} from '../errors.ts';
import { Prisma, type User } from '../generated/sqlite/client.ts';
import { normalizeEmail } from './email.ts';
import { hashPassword, passwordProblem, verifyPassword } from './password.ts';

export type { User };

/** What everybody is who is not made something else. */
export const defaultRole = 'user';

const longestName = 200;

const notAnEmail: ValidationIssue = {
  path: ['email'],
  message: 'The email must be an address such as ada@example.com.',
};

export type NewUser = { email: string; password: string; name?: string | null | undefined; role?: string };

/** A user who can be written to the database: checked, normalised, the password hashed. */
export type PreparedUser = { email: string; hashedPassword: string; name: string | null; role: string };

/**
 * Checks and hashes what a new user gave. Hashing takes milliseconds of a core, so it happens before, and never in,
 * a transaction.
 *
 * @throws ValidationError with everything that is wrong.
 */
export async function prepareUser(input: NewUser, policy: PasswordPolicy): Promise<PreparedUser> {
  const issues: ValidationIssue[] = [];
  const email = normalizeEmail(input.email);
  if (email === null) issues.push(notAnEmail);
  const problem = passwordProblem(input.password, policy);
  if (problem !== null) issues.push({ path: ['password'], message: problem });
  const name = input.name?.trim() || null;
  if (name !== null && !isName(name)) {
    issues.push({ path: ['name'], message: `The name must be printable text of at most ${longestName} characters.` });
  }
  const role = input.role ?? defaultRole;
  if (!/^[\w.:-]{1,50}$/.test(role)) {
    issues.push({ path: ['role'], message: 'The role must be 1 to 50 of the characters a-z, A-Z, 0-9 and _.:-.' });
  }
  if (email === null || issues.length > 0) throw new ValidationError(issues);
  const hashedPassword = await hashPassword(input.password, policy);
  return { email, hashedPassword, name, role };
}

function isName(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text) && [...text].length <= longestName;
}

/** @throws EmailTakenError when the address belongs to somebody. */
export async function createUser(db: Db, user: PreparedUser): Promise<User> {
  try {
    return await db.user.create({ data: user });
  } catch (error) {
    if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002') throw new EmailTakenError();
    throw error;
  }
}

/**
 * The user whom an email and a password prove.
 *
 * @throws InvalidCredentialsError in the same way, after the same time, for an unknown email and a wrong password.
 * @throws ValidationError for an email that nobody can have.
 */
export async function authenticate(db: Db, email: string, password: string, policy: PasswordPolicy): Promise<User> {
  if (normalizeEmail(email) === null) throw new ValidationError([notAnEmail]);
  const user = await findUserByEmail(db, email);
  const proven = await verifyPassword(password, user?.hashedPassword ?? null, policy);
  if (!user || !proven) throw new InvalidCredentialsError();
  return user;
}

/**
 * Makes sure that somebody whose password was checked is still there, with that password, and keeps it so until the
 * transaction ends: the write, of what is there already, locks the row. What the user's other transactions do comes
 * before or after this one, and not in the middle. Returns them as they are now.
 *
 * @throws InvalidCredentialsError if not.
 */
export async function lockUnchanged(db: Db, { id, hashedPassword, updatedAt }: User): Promise<User> {
  const [locked] = await db.user.updateManyAndReturn({ where: { id, hashedPassword }, data: { updatedAt } });
  if (!locked) throw new InvalidCredentialsError();
  return locked;
}

/** @throws UserNotFoundError when nobody has this address. */
export async function requireUserByEmail(db: Db, email: string): Promise<User> {
  const user = await findUserByEmail(db, email);
  if (!user) throw new UserNotFoundError();
  return user;
}

/** The user with this address, however it is written, or null. */
async function findUserByEmail(db: Db, email: string): Promise<User | null> {
  const normalized = normalizeEmail(email);
  return normalized === null ? null : db.user.findUnique({ where: { email: normalized } });
}
