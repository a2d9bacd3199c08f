import type { PasswordPolicy } from '../config/config.ts';
import { ValidationError, WrongPasswordError } from '../errors.ts';
import { isBreached } from './breached.ts';
import type { Argon2Cost } from './hash-formats.ts';
import { runInWorker } from './hashing-pool.ts';
import type { Check } from './hashing-worker.ts';
import { guessableProblem } from './strength.ts';

/** In code points. NIST SP 800-63B-4 asks for at least 64. */
const maxLength = 256;

/**
 * Returns the normalised form of a password, which is hashed, or null for a text that can be no password.
 *
 * NFKC, as NIST SP 800-63B-4 section 3.1.1.2 recommends: the same key presses give the same password on every system.
 */
export function normalizePassword(password: string): string | null {
  // Refused before normalising, which can make a text eighteen times longer. Four units make at least one character.
  if (!password.isWellFormed() || password.length > 4 * maxLength) return null;
  const normalized = password.normalize('NFKC');
  return normalized === '' || lengthOf(normalized) > maxLength ? null : normalized;
}

/** Returns a problem with the form of a new password, as a sentence, or null. There are no composition rules. */
export function formProblem(password: string, policy: PasswordPolicy): string | null {
  if (!password.isWellFormed()) return 'The password has a character that is not Unicode.';
  const normalized = normalizePassword(password);
  if (normalized === null && password !== '') return `The password must have at most ${maxLength} characters.`;
  // Normalising can make many characters of one. They are no harder to guess.
  if (Math.min(lengthOf(password), lengthOf(normalized ?? '')) < policy.minLength) {
    return `The password must have at least ${policy.minLength} characters. A few unrelated words make a good one.`;
  }
  return null;
}

/** Public data of the user who chooses a password. */
export type PasswordOwner = { email: string; name?: string | null | undefined };

/** Returns a problem with the form or the guessability of a new password, as a sentence, or null. */
export function passwordProblem(
  password: string,
  { email, name }: PasswordOwner,
  policy: PasswordPolicy,
): string | null {
  return formProblem(password, policy) ?? guessableProblem(password, [email, name ?? '', policy.serviceHost]);
}

/**
 * Requires that the range service, if there is one, does not know a password from a breach. Call it last, for a
 * password without other problems.
 *
 * @throws ValidationError at this argument.
 */
export async function requireUnbreached(
  password: string,
  { rangeUrl }: PasswordPolicy,
  argument: string,
): Promise<void> {
  if (rangeUrl === null || !(await isBreached(password.normalize('NFKC'), rangeUrl))) return;
  const message = 'The password is known from a breach of another service, so attackers try it. Choose another one.';
  throw new ValidationError([{ path: [argument], message }]);
}

/** Requires that a user may choose this password. @throws ValidationError at this argument. */
export async function requireAcceptablePassword(
  password: string,
  owner: PasswordOwner,
  policy: PasswordPolicy,
  argument: string,
): Promise<void> {
  const problem = passwordProblem(password, owner, policy);
  if (problem !== null) throw new ValidationError([{ path: [argument], message: problem }]);
  await requireUnbreached(password, policy, argument);
}

function lengthOf(text: string): number {
  return [...text].length;
}

/** Returns the argon2id hash of a password that may be chosen, in PHC string format. */
export function hashPassword(password: string, policy: PasswordPolicy): Promise<string> {
  return runInWorker('hash', { password: password.normalize('NFKC'), targetCost: costOf(policy) });
}

/** The maximum delay. Longer checks show in the response time. */
const maxWaitMs = 1_000;

/** The factor by which the same check may take longer at another time. */
const margin = 1.25;

/** The time in which the remembered duration of a costly check halves. Logins replace most such hashes before. */
const halfLifeMs = 10 * 60_000;

/** The duration and the time of the slowest check of a hash without the target cost, by policy. */
const slowest = new WeakMap<PasswordPolicy, { ms: number; at: number }>();

function slowestMs(policy: PasswordPolicy): number {
  const { ms, at } = slowest.get(policy) ?? { ms: 0, at: 0 };
  return ms * 0.5 ** ((performance.now() - at) / halfLifeMs);
}

/**
 * Requires that a password is the one that was hashed, by this server or by another system, normalised or as it was
 * typed. Returns the hash to store from now on if the stored one is of another system or costs less, and null if it may
 * stay.
 *
 * Whether an account exists must not show in the response time. So without a hash, or with an unknown one, the check
 * takes the time of a hash and fails. Hashes of other systems take longer: after the first one, the error asks for the
 * difference as a delay, which `withHashingSlot` waits once the place is free, so that a delay holds none.
 *
 * @throws WrongPasswordError
 */
export async function requirePassword(
  password: string,
  hashedPassword: string | null,
  policy: PasswordPolicy,
): Promise<string | null> {
  const normalized = normalizePassword(password);
  const check: Check = {
    candidates: normalized === null ? [''] : candidatesOf(normalized, password),
    stored: normalized === null ? null : hashedPassword,
    targetCost: costOf(policy),
  };
  const { isRight, rehashed, hadTargetCost, tookMs } = await runInWorker('check', check);
  if (!hadTargetCost && tookMs > slowestMs(policy)) {
    slowest.set(policy, { ms: Math.min(tookMs, maxWaitMs), at: performance.now() });
  }
  if (!isRight) throw new WrongPasswordError(Math.max(0, slowestMs(policy) * margin - tookMs));
  return rehashed;
}

/** Other systems hash the typed form. The number of candidates depends on the typed text, not on the account. */
function candidatesOf(normalized: string, typed: string): Check['candidates'] {
  return normalized === typed ? [normalized] : [normalized, typed];
}

function costOf({ memoryKiB, passes, lanes }: PasswordPolicy): Argon2Cost {
  return { memoryKiB, passes, lanes };
}
