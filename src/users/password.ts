import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import type { PasswordPolicy } from '../config.ts';
import { ValidationError } from '../errors.ts';

/** In code points. NIST SP 800-63B-4 asks for at least 64. */
const maxLength = 256;

/** `Algorithm.Argon2id`, which is an ambient const enum and so cannot be imported. */
const argon2id = 2;

/**
 * Hashing takes a processor for itself for ten milliseconds. One is left to everybody who does not log in: whoever
 * does waits for their turn, and has it as soon as if all of them were hashed at once.
 */
const inTurn = pLimit(Math.max(1, availableParallelism() - 1));

/**
 * The form of a password that is hashed, or null if no password can look like that.
 *
 * NFKC, as NIST SP 800-63B-4 section 3.1.1.2 recommends: the same key presses give the same password on every system.
 */
export function normalizePassword(password: string): string | null {
  // Cut before normalising, which can make a text eighteen times longer; four units make one character at most here.
  if (!password.isWellFormed() || password.length > 4 * maxLength) return null;
  const normalized = password.normalize('NFKC');
  return normalized === '' || lengthOf(normalized) > maxLength ? null : normalized;
}

/** What keeps a password from being chosen, as a sentence, or null if it may be. There are no composition rules. */
export function passwordProblem(password: string, policy: PasswordPolicy): string | null {
  if (!password.isWellFormed()) return 'The password has a character that is not Unicode.';
  const normalized = normalizePassword(password);
  if (normalized === null && password !== '') return `The password must have at most ${maxLength} characters.`;
  // Normalising can make many characters of one, which is no more to guess.
  if (Math.min(lengthOf(password), lengthOf(normalized ?? '')) < policy.minLength) {
    return `The password must have at least ${policy.minLength} characters. A few unrelated words make a good one.`;
  }
  return null;
}

/** @throws ValidationError for a password that may not be chosen, at this argument. */
export async function requireAcceptablePassword(
  password: string,
  _about: { email: string; name: string | null },
  policy: PasswordPolicy,
  argument: string,
): Promise<void> {
  const problem = passwordProblem(password, policy);
  if (problem !== null) throw new ValidationError([{ path: [argument], message: problem }]);
}

function lengthOf(text: string): number {
  return [...text].length;
}

/** The argon2id hash of a password that may be chosen, in PHC string format. */
export function hashPassword(password: string, policy: PasswordPolicy): Promise<string> {
  const options = {
    algorithm: argon2id,
    memoryCost: policy.memoryKiB,
    timeCost: policy.passes,
    parallelism: policy.lanes,
  };
  return inTurn(() => hash(password.normalize('NFKC'), options));
}

/**
 * Whether the password is the one that was hashed. With no hash it takes the time that one takes, and is false:
 * whether an account exists must not be seen from how long the answer took.
 */
export async function verifyPassword(
  password: string,
  hashedPassword: string | null,
  policy: PasswordPolicy,
): Promise<boolean> {
  const normalized = normalizePassword(password);
  if (hashedPassword === null || normalized === null) {
    await hashPassword('somebody else', policy);
    return false;
  }
  try {
    return await inTurn(() => verify(hashedPassword, normalized));
  } catch {
    // What is stored is no hash that we know, or none at all. Nothing matches it, and it must not be seen either.
    await hashPassword('somebody else', policy);
    return false;
  }
}
