/** The code of the threads of `hashing-pool.ts`: hashes synchronously, one password after the other. */
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

/** The value of `Algorithm.Argon2id`, an ambient const enum that cannot be imported. */
const argon2id = 2;

export type Check = {
  /** The forms of the typed password that may have been hashed. The first one is the form that this server hashes. */
  candidates: [string, ...string[]];
  /** The stored hash. Null, without one, takes as long. */
  stored: string | null;
  targetCost: Argon2Cost;
};

export type CheckResult = {
  isRight: boolean;
  /** The hash to store instead, if the password is right and its hash may not stay. Otherwise null. */
  rehashed: string | null;
  /** True if the check was as much work as with one of the server's own hashes, or without a hash. */
  hadTargetCost: boolean;
  tookMs: number;
};

/** The tasks of a thread. */
const tasks = { hash, check };
export type Tasks = typeof tasks;

/**
 * The thread that answers requests goes first if processors are scarce. On Linux a priority applies to the calling
 * thread; elsewhere it would apply to the whole process.
 */
if (process.platform === 'linux') lowerPriority();

parentPort?.on('message', ({ name, input }: { name: keyof Tasks; input: never }) => {
  try {
    parentPort?.postMessage({ answer: tasks[name](input) });
  } catch (error) {
    parentPort?.postMessage({ error });
  }
});

/** Lowers the priority of this thread. Filters of system calls may forbid it: then all threads have the same. */
function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error;
  }
}

/** Returns the argon2id hash in PHC string format. */
function hash({ password, targetCost }: { password: string; targetCost: Argon2Cost }): string {
  const { memoryKiB, passes, lanes } = targetCost;
  return hashSync(password, { algorithm: argon2id, memoryCost: memoryKiB, timeCost: passes, parallelism: lanes });
}

/**
 * Checks whether one of the candidates was hashed. A wrong password takes a try of every candidate, so the time depends
 * only on the typed text and the format of the hash.
 */
function check({ candidates, stored, targetCost }: Check): CheckResult {
  const began = performance.now();
  const parsed = stored === null ? null : parseHash(stored);
  const known = parsed !== null && isAffordable(parsed, targetCost) ? parsed : null;
  const hadTargetCost = known === null || hasTargetCost(known, targetCost);
  // A cheaper hash must not show either: a wrong password takes at least as long as without a hash.
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

/** Takes as long as a wrong password. */
function hashDummy(password: string, targetCost: Argon2Cost): false {
  hash({ password, targetCost });
  return false;
}

function verify(known: PasswordHash, password: string): boolean {
  switch (known.kind) {
    case 'argon2':
      return verifyArgon2(known.phc, password);
    case 'bcrypt':
      // Reads the first 72 bytes, as the system that made the hash.
      return verifyBcrypt(password, known.crypt);
    case 'scrypt': {
      const { cost, blockSize, parallelization, salt, key } = known;
      // OpenSSL needs a little more than the memory of the algorithm.
      const maxmem = scryptMemory(known) + 128 * blockSize * (parallelization + 2);
      return timingSafeEqual(scryptSync(password, salt, key.length, { cost, blockSize, parallelization, maxmem }), key);
    }
    case 'pbkdf2': {
      const { iterations, digest, salt, key } = known;
      return timingSafeEqual(pbkdf2Sync(password, salt, iterations, key.length, digest), key);
    }
  }
}
