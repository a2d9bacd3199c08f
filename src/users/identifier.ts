/** The identifiers of an account that a login may name: its address or its username. */
import type { UsernamePolicy } from '../config/accounts/usernames.ts';
import type { Database } from '../database/database.ts';
import { UserNotFoundError, ValidationError } from '../errors.ts';
import { type Address, accountKeyOf, readAddress } from './email.ts';
import { findUserByAddress, findUserByEmail, readUserId, type User } from './user.ts';
import { readUsername, type Username } from './username.ts';

export type Identifier = { kind: 'address'; address: Address } | { kind: 'username'; username: Username };

/** The account that an identifier names, whether or not there is one. */
export type NamedAccount = {
  /** The key of the account, by which attempts are counted and devices trusted. */
  key: string;
  /** The address of the account. The identifier as it was written if there is none. */
  address: string;
};

/**
 * Reads an identifier. Every address has an @, and no username has one.
 *
 * @throws ValidationError for a text that can be neither, and for a username without `isEnabled`.
 */
export function requireIdentifier(text: string, { isEnabled }: UsernamePolicy): Identifier {
  if (text.includes('@')) {
    const address = readAddress(text);
    if (address.isPossible) return { kind: 'address', address };
  } else {
    const username = isEnabled ? readUsername(text) : null;
    if (username !== null) return { kind: 'username', username };
  }
  const form = `an address such as ada@example.com${isEnabled ? ', or a username' : ''}`;
  throw new ValidationError([{ path: ['identifier'], message: `The identifier must be ${form}.` }]);
}

/** Returns the user with this identifier, or null. */
export function findUserByIdentifier(database: Database, identifier: Identifier): Promise<User | null> {
  if (identifier.kind === 'address') return findUserByAddress(database, identifier.address);
  return database.$findUserByUsername(identifier.username.key);
}

/**
 * Returns the account that an identifier names. A username leads to the key of the address, so that it gives no second
 * set of attempts. An unknown one has a key of its own, which is no address.
 */
export async function findAccount(database: Database, identifier: Identifier): Promise<NamedAccount> {
  if (identifier.kind === 'address') return { key: identifier.address.key, address: identifier.address.written };
  const user = await findUserByIdentifier(database, identifier);
  if (user === null) return { key: labelOf(identifier), address: identifier.username.name };
  return { key: accountKeyOf(user.email), address: user.email };
}

/** Returns a key of the account that needs no read. Two identifiers of one account may have different ones. */
export function labelOf(identifier: Identifier): string {
  return identifier.kind === 'address' ? identifier.address.key : `username ${identifier.username.key}`;
}

/** Returns the user with this address, username or id. @throws UserNotFoundError if there is none. */
export async function requireUserByIdentifierOrId(database: Database, text: string): Promise<User> {
  const id = readUserId(database, text);
  const username = readUsername(text);
  const user =
    id !== null
      ? await database.user.findUnique({ where: { id } })
      : ((await findUserByEmail(database, text)) ?? (username && (await database.$findUserByUsername(username.key))));
  if (!user) throw new UserNotFoundError();
  return user;
}
