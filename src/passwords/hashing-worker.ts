/** What the threads of `password-threads.ts` run: hashing, synchronously, one password after the other. */
import { pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync as verifyArgon2 } from '@node-rs/argon2';
import { verifySync as verifyBcrypt } from '@node-rs/bcrypt';
import {
  type Argon2Cost,
  hasTargetCost,
  isAffordable,
  isUpToDate,
  type PasswordHash,
  parseHash,
  scryptMemory,
} from './hash-formats.ts';

/** `Algorithm.Argon2id`, which is an ambient const enum and so cannot be imported. */
const argon2id = 2;

export type Check = {
  /** What may have been hashed of what was typed, as it is hashed here first. At least one. */
  candidates: [string, ...string[]];
  /** Null where there is no hash, which takes as long. */
  stored: string | null;
  targetCost: Argon2Cost;
};

export type CheckResult = {
  isRight: boolean;
  /** What is to be stored instead of a hash that the password is right for, and which is not today's. */
  rehashed: string | null;
  /** Whether it was as much work as with one of today's hashes, or without any. */
  hadTargetCost: boolean;
  tookMs: number;
};

/** What a thread can be asked to do. */
const tasks = { hash, check };
export type Tasks = typeof tasks;

/**
 * Where processors are scarce, whoever answers requests goes first. On Linux this is the priority of the thread that
 * asks for it; elsewhere it would be that of the whole process.
 */
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

parentPort?.on('message', ({ name, input }: { name: keyof Tasks; input: never }) => {
  try {
    parentPort?.postMessage({ answer: tasks[name](input) });
  } catch (error) {
    parentPort?.postMessage({ error });
  }
});

/** The argon2id hash in PHC string format. */
function hash({ password, targetCost }: { password: string; targetCost: Argon2Cost }): string {
  const { memoryKiB, passes, lanes } = targetCost;
  return hashSync(password, { algorithm: argon2id, memoryCost: memoryKiB, timeCost: passes, parallelism: lanes });
}

/**
 * Whether one of the candidates is what was hashed. Where none is, all have been tried, so that how long it took depends
 * on what was typed and on the kind of the hash, and on nothing else.
 */
function check({ candidates, stored, targetCost }: Check): CheckResult {
  const began = performance.now();
  const parsed = stored === null ? null : parseHash(stored);
  const known = parsed !== null && isAffordable(parsed, targetCost) ? parsed : null;
  const hadTargetCost = known === null || hasTargetCost(known, targetCost);
  // A hash that is cheaper than today's must not show either: what is wrong takes as long as with no hash at least.
  const isWrong = (candidate: string) => (hadTargetCost ? false : hashDummy(candidate, targetCost));
  const matching = candidates.find((candidate) =>
    known ? verify(known, candidate) || isWrong(candidate) : hashDummy(candidate, targetCost),
  );
  const tookMs = performance.now() - began;
  const isRight = matching !== undefined;
  const mayStay = known !== null && matching === candidates[0] && isUpToDate(known, stored, targetCost);
  const rehashed = isRight && !mayStay ? hash({ password: candidates[0], targetCost }) : null;
  return { isRight, rehashed, hadTargetCost, tookMs };
}

/** Takes as long as a wrong password does. */
function hashDummy(password: string, targetCost: Argon2Cost): false {
  hash({ password, targetCost });
  return false;
}

function verify(known: PasswordHash, password: string): boolean {
  switch (known.kind) {
    case 'argon2':
      return verifyArgon2(known.phc, password);
    case 'bcrypt':
      // Takes the first 72 bytes, as whoever made the hash did.
      return verifyBcrypt(password, known.crypt);
    case 'scrypt': {
      const { cost, blockSize, parallelization, salt, key } = known;
      // Beside the memory that counts, OpenSSL needs a little more.
      const maxmem = scryptMemory(known) + 128 * blockSize * (parallelization + 2);
      return timingSafeEqual(scryptSync(password, salt, key.length, { cost, blockSize, parallelization, maxmem }), key);
    }
    case 'pbkdf2': {
      const { iterations, digest, salt, key } = known;
      return timingSafeEqual(pbkdf2Sync(password, salt, iterations, key.length, digest), key);
    }
  }
}
