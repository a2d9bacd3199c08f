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
import { ProofOfWorkRequiredError } from '../errors.ts';
import { Prisma } from '../generated/sqlite/client.ts';
import { isObject, parseObject } from '../json.ts';
import type { Scope } from '../scope.ts';
import { networkOf } from './network.ts';

export type WorkPolicies = Pick<Config, 'captcha' | 'encryptionKeys'>;

/**
 * Requires the proof of work of a request if so many attempts from its address have failed.
 *
 * @throws ProofOfWorkRequiredError with a new puzzle.
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
    isDone = (await work.isTrusted?.()) || (await redeem(database, work.solution ?? '', secrets, scope.now));
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

/** Uses a solution up, and returns whether it was valid. Only a valid one is stored: each costs its client the work. */
async function redeem(database: Database, solution: string, secrets: string[], now: Date): Promise<boolean> {
  const payload = parsePayload(solution);
  if (payload === null || !(await isSolved(payload, secrets))) return false;
  const { parameters, signature } = payload.challenge;
  const expiresAt = new Date(Number(parameters.expiresAt) * 1_000);
  if (expiresAt <= now) return false;
  const key = `proof-of-work:${hash('sha256', String(signature))}`;
  const rows = await run(
    database,
    Prisma.sql`INSERT INTO "RateLimit" ("key", "points", "expiresAt") VALUES (${key}, ${1}, ${expiresAt})
      ON CONFLICT ("key") DO NOTHING RETURNING "key"`,
  );
  return rows.length > 0;
}

/** Verifies a solution. Derives a key only for a puzzle that a server has signed for the address. */
async function isSolved({ challenge, solution }: Payload, secrets: string[]): Promise<boolean> {
  for (const hmacSignatureSecret of secrets) {
    const { verified, invalidSignature } = await verifySolution({
      challenge,
      solution,
      deriveKey,
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
