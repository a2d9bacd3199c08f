import type { PasswordPolicy } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import {
  EmailTakenError,
  notSignedIn,
  PasswordChangedError,
  UserNotFoundError,
  ValidationError,
  type ValidationIssue,
} from '../errors.ts';
import { Prisma, type User } from '../generated/sqlite/client.ts';
import { hashPassword, passwordProblem, requireUnbreached } from '../passwords/password.ts';
import { type Address, accountKeyOf, normalizeEmail, readAddress } from './email.ts';
import { nameIssue, notAnEmail, roleIssue } from './field-issues.ts';

export type { User };

/** What everybody is who is not made something else. */
export const defaultRole = 'user';

/** No user has it: ids begin with 1. For statements that are to be sent whether or not there is somebody. */
export const noUserId = 0;

export type NewAccount = { email: string; name?: string | null | undefined; role?: string | undefined };
export type NewUser = NewAccount & { password: string };

/** Who can be written to the database: checked and normalised. */
export type PreparedAccount = { email: string; name: string | null; role: string };
export type PreparedUser = PreparedAccount & { hashedPassword: string };

/**
 * Checks and hashes what a new user gave. Hashing takes milliseconds of a core, so it happens before, and never in,
 * a transaction.
 *
 * @throws ValidationError with everything that is wrong.
 */
export async function prepareUser(user: NewUser, policy: PasswordPolicy): Promise<PreparedUser> {
  const account = checkUser(user, policy);
  await requireUnbreached(user.password, policy, 'password');
  return { ...account, hashedPassword: await hashPassword(user.password, policy) };
}

/**
 * Checks what a new user gave, without hashing, and without asking others about the password.
 *
 * @throws ValidationError with everything that is wrong.
 */
export function checkUser({ password, ...account }: NewUser, policy: PasswordPolicy): PreparedAccount {
  const { issues, ...prepared } = checkAccount(account);
  // Judged last, by what has passed: the words of a long name are looked for in the password one by one.
  const known = { email: prepared.email, name: nameIssue(prepared.name) === null ? prepared.name : null };
  const problem = passwordProblem(password, known, policy);
  const all = problem === null ? issues : [...issues, { path: ['password'], message: problem }];
  if (all.length > 0) throw new ValidationError(all);
  return prepared;
}

/**
 * The same for somebody who has yet to choose a password.
 *
 * @throws ValidationError with everything that is wrong.
 */
export function prepareAccount(account: NewAccount): PreparedAccount {
  const { issues, ...prepared } = checkAccount(account);
  if (issues.length > 0) throw new ValidationError(issues);
  return prepared;
}

function checkAccount(account: NewAccount): PreparedAccount & { issues: ValidationIssue[] } {
  const email = normalizeEmail(account.email);
  const name = account.name?.trim() || null;
  const role = account.role ?? defaultRole;
  const issues = [email === null ? notAnEmail : null, nameIssue(name), roleIssue(role)];
  return { email: email ?? '', name, role, issues: issues.filter((issue) => issue !== null) };
}

/** @throws ValidationError for what can be no role. */
export function requireRole(role: string): string {
  const issue = roleIssue(role);
  if (issue !== null) throw new ValidationError([issue]);
  return role;
}

/** @throws EmailTakenError when the address belongs to somebody, be it in another case. */
export async function createUser(
  db: Db,
  user: PreparedAccount & { hashedPassword: string | null; emailVerifiedAt?: Date },
): Promise<User> {
  await requireFreeAddress(db, user.email);
  try {
    return await db.user.create({ data: user });
  } catch (error) {
    throw isTaken(error) ? new EmailTakenError() : error;
  }
}

/** Whether the database refused to give an address to a second user. */
export function isTaken(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}

/**
 * Gives a user another name, or none if it is empty, and returns them as they are then.
 *
 * @throws ValidationError
 * @throws RequestError where the account is gone.
 */
export async function updateProfile(db: Db, id: number, profile: { name: string | null }): Promise<User> {
  const name = profile.name?.trim() || null;
  const issue = nameIssue(name);
  if (issue !== null) throw new ValidationError([issue]);
  const [user] = await db.user.updateManyAndReturn({ where: { id }, data: { name } });
  if (!user) throw notSignedIn();
  return user;
}

/**
 * Makes sure that somebody whose password was checked is still there, with that password, and keeps it so until the
 * transaction ends: the write, of what is there already or of another hash of that password, locks the row. What the
 * user's other transactions do comes before or after this one, and not in the middle. Returns them as they are now.
 *
 * @throws PasswordChangedError if not.
 */
export async function lockUserWithPassword(
  db: Db,
  { id, hashedPassword, updatedAt }: User,
  rehashed: string | null = null,
): Promise<User> {
  const [locked] = await db.user.updateManyAndReturn({
    where: { id, hashedPassword },
    data: { updatedAt, hashedPassword: rehashed ?? hashedPassword },
  });
  if (!locked) throw new PasswordChangedError();
  return locked;
}

/** Reads an address that a user may have. @throws ValidationError for any other text. */
export function requireAddress(input: string): Address {
  const address = readAddress(input);
  if (!address.isPossible) throw new ValidationError([notAnEmail]);
  return address;
}

/** @throws UserNotFoundError when nobody has this address. */
export async function requireUserByEmail(database: Database, email: string): Promise<User> {
  const user = await findUserByEmail(database, email);
  if (!user) throw new UserNotFoundError();
  return user;
}

/** Returns the user with this address, or null. As `findUserByAddress`. */
export function findUserByEmail(database: Database, email: string): Promise<User | null> {
  return findUserByAddress(database, readAddress(email));
}

/**
 * Returns the user with this address as it is written. If there is none, returns the only user who has it in another
 * case, or null. Users who signed up here have their address in lower case and to themselves; users from another system
 * as they typed it there.
 */
export async function findUserByAddress(database: Database, address: Address): Promise<User | null> {
  const owners = ownersOf(address, await database.$findUsersByAddress(address.written));
  const exact = owners.find(({ email }) => email === address.written);
  const only = owners.length === 1 ? owners[0] : undefined;
  return exact ?? only ?? null;
}

/** @throws EmailTakenError when the address belongs to somebody else, in whatever case. */
export async function requireFreeAddress(db: Db, email: string, ownerId: number = noUserId): Promise<void> {
  const address = readAddress(email);
  // As `$findUsersByAddress`, of what the transaction sees.
  const found = await db.$queryRaw<Pick<User, 'id' | 'email'>[]>`
    SELECT "id", "email" FROM "User" WHERE lower("email") = lower(${address.written})`;
  if (ownersOf(address, found).some(({ id }) => id !== ownerId)) throw new EmailTakenError();
}

/** Returns the users who have an address, of those found: PostgreSQL makes ASCII letters of some that are none. */
function ownersOf<Owner extends Pick<User, 'email'>>({ written, key }: Address, found: Owner[]): Owner[] {
  return found.filter(({ email }) => email === written || accountKeyOf(email) === key);
}
