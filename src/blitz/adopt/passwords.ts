import type { PasswordPolicy } from '../../config/config.ts';
import { OperatorError } from '../../errors.ts';
import { isKnownHash } from '../../passwords/hash-formats.ts';
import { hashPassword, normalizePassword } from '../../passwords/password.ts';
import type { Adoption, Source } from './source.ts';

/** The treatment of passwords in plain text. */
export type PlaintextChoice = 'refuse' | 'hash' | 'reset';

/**
 * The kind of a stored password. `hash` stays valid. `none` is no password. `unreadable` is a hash that this server
 * cannot verify.
 */
export type StoredPassword = 'hash' | 'none' | 'unreadable' | 'plain';

/** A user and their plain-text password. */
export type PlainPassword = { userId: bigint; password: string };

/**
 * The forms of hashes: MD5, SHA-1 and SHA-2 in hex or base64, perhaps beside a salt; the form of Blitz.js; and
 * everything that begins with the name of an algorithm, as in the modular crypt format, LDAP and Django.
 */
const hashLike = new RegExp(
  [
    '(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})(?:[:.][0-9a-f]+)?',
    '[0-9a-f]{8,}[:.][0-9a-f]{32,}',
    '(?:[A-Za-z0-9+/]{27}|[A-Za-z0-9+/]{43}|[A-Za-z0-9+/]{171})=',
    '[A-Za-z0-9+/]{86}==',
    // The base64 of text that begins with $argon2.
    'JGFyZ29uM[A-Za-z0-9+/]+={0,2}',
    '\\$[\\w-]+\\$\\S{15,}',
    '\\{[\\w.-]+\\}\\S{16,}',
    '(?:pbkdf2|bcrypt|argon2|scrypt|md5|sha1|sha256|sha512)[\\w:]*\\$\\S*\\$\\S+',
  ]
    .map((form) => `^${form}$`)
    .join('|'),
  'i',
);

/**
 * Returns the kind of a stored password. An unknown hash must not be taken for a plain-text password: an attacker who
 * has read the database could log in with it.
 */
export function kindOfStored(stored: string | null): StoredPassword {
  if (stored === null || stored === '') return 'none';
  if (isKnownHash(stored)) return 'hash';
  return hashLike.test(stored) ? 'unreadable' : 'plain';
}

/** The number of concurrent hashes. It is small, so that no login on the same machine is refused. */
const atOnce = 8;

/**
 * Returns the value to store for each plain-text password. Called before the transaction, since every hash takes
 * milliseconds of a processor.
 *
 * @throws OperatorError if the operator made no choice, or if a password could never be typed here.
 */
export async function replacePlaintext(
  found: readonly PlainPassword[],
  choice: PlaintextChoice,
  policy: PasswordPolicy,
): Promise<Map<PlainPassword, string | null>> {
  if (found.length === 0) return new Map();
  if (choice === 'refuse') throw new OperatorError(plaintextRefusal(found.length));
  if (choice === 'reset') return new Map(found.map((plain) => [plain, null]));
  const impossible = found.filter(({ password }) => normalizePassword(password) === null).length;
  if (impossible > 0) {
    throw new OperatorError(
      `${impossible} of the plain-text passwords cannot be hashed: they are longer than this server accepts. ` +
        'Nothing was changed. --reset-plaintext deletes them, so that their users set new ones by mail.',
    );
  }
  const replaced = new Map<PlainPassword, string | null>();
  for (let from = 0; from < found.length; from += atOnce) {
    const hashes = found.slice(from, from + atOnce).map(async (plain) => {
      replaced.set(plain, await hashPassword(plain.password, policy));
    });
    await Promise.all(hashes);
  }
  return replaced;
}

function plaintextRefusal(count: number): string {
  return (
    `${count === 1 ? '1 password is' : `${count} passwords are`} stored as plain text, which this server does not ` +
    'accept. Nothing was changed. --hash-plaintext hashes them, so that they stay valid. --reset-plaintext deletes ' +
    'them, so that their users have to set new ones by mail.'
  );
}

/** Returns every plain-text password, and the number of passwords of each kind. */
export async function findPasswords(source: Source) {
  const counts: Record<StoredPassword, number> = { hash: 0, none: 0, unreadable: 0, plain: 0 };
  const plain: PlainPassword[] = [];
  for await (const { userId, stored } of storedPasswords(source)) {
    const kind = kindOfStored(stored);
    counts[kind] += 1;
    if (kind === 'plain' && stored !== null) plain.push({ userId, password: stored });
  }
  return { counts, plain };
}

const pageSize = 1_000;

async function* storedPasswords(source: Source): AsyncGenerator<{ userId: bigint; stored: string | null }> {
  for (let last: bigint | null = null; ; ) {
    const after: string = last === null ? '' : `WHERE "id" > ${last}`;
    const rows = await source.query(
      // As text, which both drivers return exactly.
      `SELECT CAST("id" AS TEXT) AS "userId", "hashedPassword" FROM "User" ${after} ORDER BY "id" LIMIT ${pageSize}`,
    );
    for (const row of rows) {
      last = BigInt(String(row.userId));
      yield { userId: last, stored: row.hashedPassword as string | null };
    }
    if (rows.length < pageSize) return;
  }
}

/** Replaces the plain-text passwords. @throws OperatorError if one has changed since the inspection. */
export async function storeReplacements(
  adoption: Adoption,
  found: readonly PlainPassword[],
  replaced: ReadonlyMap<PlainPassword, string | null>,
): Promise<void> {
  const keyOf = ({ userId, password }: PlainPassword) => `${userId} ${password}`;
  const made = new Map([...replaced].map(([plain, hashed]) => [keyOf(plain), hashed]));
  for (const plain of found) {
    const hashed = made.get(keyOf(plain));
    if (hashed === undefined) {
      throw new OperatorError(
        'A password in the database changed meanwhile. The adoption changed nothing. Run it again.',
      );
    }
    await adoption.write('UPDATE "User" SET "hashedPassword" = ? WHERE "id" = ?', [hashed, plain.userId]);
  }
}
