import type { PasswordPolicy } from '../config/config.ts';
import { type Database, type Db, regardlessOfCase } from '../database/database.ts';
import { EmailTakenError, ValidationError, type ValidationIssue } from '../errors.ts';
import { Prisma, type User } from '../generated/sqlite/client.ts';
import { hashPassword, passwordProblem, requireUnbreached } from '../passwords/password.ts';
import { type Address, accountKeyOf, normalizeEmail, readAddress } from './email.ts';
import { nameIssue, notAnEmail, roleIssue } from './field-issues.ts';

export type { User };

/** The role of a user who is not given another one. */
export const defaultRole = 'user';

/** The id of no user, because ids begin with 1. For statements that are sent whether or not there is a user. */
export const noUserId = 0n;

export type NewAccount = { email: string; name?: string | null | undefined; role?: string | undefined };
export type NewUser = NewAccount & { password: string };

/** An account that can be written to the database: checked and normalised. */
export type PreparedAccount = { email: string; name: string | null; role: string };
export type PreparedUser = PreparedAccount & { hashedPassword: string };

/**
 * Checks and hashes the input of a new user. Hashing takes milliseconds of a core, so it happens before a transaction,
 * and never in one.
 *
 * @throws ValidationError with all problems.
 */
export async function prepareUser(user: NewUser, policy: PasswordPolicy): Promise<PreparedUser> {
  const account = checkUser(user, policy);
  await requireUnbreached(user.password, policy, 'password');
  return { ...account, hashedPassword: await hashPassword(user.password, policy) };
}

/**
 * Checks the input of a new user, without hashing, and without asking another service about the password.
 *
 * @throws ValidationError with all problems.
 */
export function checkUser({ password, ...account }: NewUser, policy: PasswordPolicy): PreparedAccount {
  const { issues, ...prepared } = checkAccount(account);
  // Checked last, and only with valid fields: the words of a long name are searched for in the password one by one.
  const known = { email: prepared.email, name: nameIssue(prepared.name) === null ? prepared.name : null };
  const problem = passwordProblem(password, known, policy);
  const all = problem === null ? issues : [...issues, { path: ['password'], message: problem }];
  if (all.length > 0) throw new ValidationError(all);
  return prepared;
}

/**
 * Checks the input of a user who has yet to choose a password.
 *
 * @throws ValidationError with all problems.
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

/** Returns the role. @throws ValidationError for an invalid role. */
export function requireRole(role: string): string {
  const issue = roleIssue(role);
  if (issue !== null) throw new ValidationError([issue]);
  return role;
}

/** Creates a user. @throws EmailTakenError if a user has the address, in any case of its letters. */
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

/** Returns whether the database refused to give an address to a second user. */
export function isTaken(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}

/** Reads an address that a user may have. @throws ValidationError for any other text. */
export function requireAddress(input: string): Address {
  const address = readAddress(input);
  if (!address.isPossible) throw new ValidationError([notAnEmail]);
  return address;
}

/** Reads an id that a user of this database may have or have had. Null for any other text, such as an address. */
export function readUserId(database: Database, text: string): bigint | null {
  const id = /^[1-9]\d{0,18}$/.test(text) ? BigInt(text) : null;
  return id !== null && id <= database.$largestId() ? id : null;
}

/** Returns the condition for users with this text in the address, the name or the username, in any case. */
export function whereSearched(text: string, databaseUrl: string): Prisma.UserWhereInput {
  const part = { contains: text, ...regardlessOfCase(databaseUrl) };
  return { OR: [{ email: part }, { name: part }, { username: part }] };
}

/** Returns the user with this address, or null, also for a text that no user can have. As `findUserByAddress`. */
export async function findUserByEmail(database: Database, email: string): Promise<User | null> {
  const address = readAddress(email);
  return address.isPossible ? findUserByAddress(database, address) : null;
}

/**
 * Returns the user with exactly this address or, if there is none, the only user whose address differs in case; or
 * null. Users who signed up here have their address in lower case and to themselves. Imported users have it as they
 * typed it elsewhere.
 */
export async function findUserByAddress(database: Database, address: Address): Promise<User | null> {
  const owners = ownersOf(address, await database.$findUsersByAddress(address.written));
  const exact = owners.find(({ email }) => email === address.written);
  const only = owners.length === 1 ? owners[0] : undefined;
  return exact ?? only ?? null;
}

/** Rejects an address of another user. @throws EmailTakenError if it is the same in any case of its letters. */
export async function requireFreeAddress(db: Db, email: string, ownerId: bigint = noUserId): Promise<void> {
  const address = readAddress(email);
  // Like `$findUsersByAddress`, but with the view of the transaction.
  const found = await db.$queryRaw<Pick<User, 'email'>[]>`
    SELECT "email" FROM "User" WHERE lower("email") = lower(${address.written}) AND "id" <> ${ownerId}`;
  if (ownersOf(address, found).length > 0) throw new EmailTakenError();
}

/**
 * Returns the owners of an address among the found users. PostgreSQL turns some non-ASCII letters into ASCII letters.
 */
function ownersOf<Owner extends Pick<User, 'email'>>({ written, key }: Address, found: Owner[]): Owner[] {
  return found.filter(({ email }) => email === written || accountKeyOf(email) === key);
}
