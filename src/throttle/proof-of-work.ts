/**
 * Proof of work: after many failed attempts from an address, a further attempt must bring the solution of a puzzle that
 * takes its client about a second (ALTCHA, proof of work 2). The server stores no puzzle: it signs them.
 */
import { hash, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { type Challenge, createChallenge, type Payload, verifySolution } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { run } from '../database/raw-sql.ts';
import { retryConflicts } from '../database/transaction.ts';
import { ProofOfWorkRequiredError } from '../errors.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import { isObject, parseObject } from '../json.ts';
import type { Scope } from '../scope.ts';
import { networkOf } from './network.ts';
import { uncount } from './rate-limit.ts';
import { addressLimits, quarterMs, requireAttemptFrom } from './requests.ts';

export type WorkPolicies = Pick<Config, 'attempts' | 'captcha' | 'encryptionKeys'>;

/**
 * Requires the proof of work of a request if so many attempts from its address have failed.
 *
 * @throws ProofOfWorkRequiredError with a new puzzle.
 * @throws RateLimitedError after too many wrong solutions from the address.
 */
export type RequireWork = (failures: number) => Promise<void>;

export type Work = {
  /** The solution that the request brings. Null if it brings none. */
  solution: string | null | undefined;
  /** Returns whether the request comes from a trusted device of the account. By default, it does not. */
  isTrusted?: () => Promise<boolean>;
};

const algorithm = 'PBKDF2/SHA-256';

/** The first byte of the derived key must be zero: a client needs 256 tries on average, and the server needs one. */
const keyPrefix = '00';

const lifetimeMs = 5 * 60_000;

/** In characters. A solution of `altcha-lib` has about 600. */
const maxLength = 2_000;

/** For a server without ENCRYPTION_KEYS. Other servers do not know it. */
const keyOfProcess = randomBytes(32);

/** Returns the check of the proof of work of one request. An accepted solution holds for the whole request. */
export function requireWorkOf(database: Database, scope: Scope, work: Work, policies: WorkPolicies): RequireWork {
  const { ipAddress } = scope.client;
  let isDone = false;
  return async (failures) => {
    const { after, cost } = policies.captcha;
    if (isDone || ipAddress === null || after === 0 || failures < after) return;
    const secrets = secretsOf(networkOf(ipAddress), policies);
    const check = { solution: work.solution ?? '', secrets, ipAddress, maxWrong: policies.attempts.perAddress };
    isDone = (await work.isTrusted?.()) || (await redeem(database, scope, check));
    if (!isDone) throw new ProofOfWorkRequiredError(await newChallenge(secrets[0], cost, scope.now));
  };
}

/** Returns the secrets of an address, which bind a puzzle to it: the first one signs, all verify. */
function secretsOf(network: string, { encryptionKeys }: WorkPolicies): [string, ...string[]] {
  const secretOf = (key: KeyObject | Buffer) =>
    Buffer.from(hkdfSync('sha256', key, '', `proof-of-work ${network}`, 32)).toString('hex');
  if (encryptionKeys === null) return [secretOf(keyOfProcess)];
  const [first, ...others] = encryptionKeys;
  return [secretOf(first.secret), ...others.map(({ secret }) => secretOf(secret))];
}

function newChallenge(secret: string, cost: number, now: Date): Promise<Challenge> {
  const expiresAt = new Date(now.getTime() + lifetimeMs);
  return createChallenge({ algorithm, cost, deriveKey, keyPrefix, expiresAt, hmacSignatureSecret: secret });
}

type Check = {
  solution: string;
  secrets: string[];
  ipAddress: string;
  /** The wrong solutions from the address, per 15 minutes. */
  maxWrong: number;
};

/**
 * Uses a solution up, and returns whether it was valid. Only a valid one is stored: each costs its client the work.
 *
 * A wrong one costs its client nothing, but the server the derivation of a key, also if it is sent again. So each is
 * counted for the address before the derivation, and uncounted if it was right.
 *
 * @throws RateLimitedError after too many wrong ones. No key is derived then.
 */
async function redeem(database: Database, scope: Scope, check: Check): Promise<boolean> {
  const payload = parsePayload(check.solution);
  if (payload === null) return false;
  const limit = { kind: 'proofs-of-work', points: check.maxWrong, durationMs: quarterMs };
  async function deriveCounted(...input: Parameters<typeof deriveKey>) {
    await requireAttemptFrom(database, scope, limit);
    return deriveKey(...input);
  }
  if (!(await isSolved(payload, check.secrets, deriveCounted))) return false;
  const { parameters, signature } = payload.challenge;
  const expiresAt = new Date(Number(parameters.expiresAt) * 1_000);
  if (expiresAt <= scope.now) return false;
  const key = `proof-of-work:${hash('sha256', String(signature))}`;
  const rows = await run(
    database,
    Prisma.sql`INSERT INTO "RateLimit" ("key", "points", "expiresAt") VALUES (${key}, ${1}, ${expiresAt})
      ON CONFLICT ("key") DO NOTHING RETURNING "key"`,
  );
  if (rows.length === 0) return false;
  await retryConflicts(() => uncount(database, addressLimits(check.ipAddress, limit)));
  return true;
}

/** Verifies a solution. Derives a key only for a well-formed answer to a puzzle that was signed for the address. */
async function isSolved(
  { challenge, solution }: Payload,
  secrets: string[],
  derive: typeof deriveKey,
): Promise<boolean> {
  for (const hmacSignatureSecret of secrets) {
    const { verified, invalidSignature } = await verifySolution({
      challenge,
      solution,
      deriveKey: derive,
      hmacSignatureSecret,
    });
    if (invalidSignature !== true) return verified;
  }
  return false;
}

/** Reads a solution in the form of ALTCHA: JSON in base64. Null for any other text. */
function parsePayload(text: string): Payload | null {
  if (text.length > maxLength) return null;
  const { challenge, solution } = parseObject(Buffer.from(text, 'base64').toString('utf8')) ?? {};
  if (!isObject(challenge) || !isObject(challenge.parameters) || !isObject(solution)) return null;
  // The signature covers the parameters, and the library checks the solution.
  return typeof challenge.signature === 'string' ? ({ challenge, solution } as unknown as Payload) : null;
}
