/** Compares the limits on the memory of this process with the needs of a server. */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Config } from '../config/config.ts';
import { isPostgresqlUrl } from '../database/url.ts';
import { maxHeldBytes } from '../http/connections.ts';
import { maxThreads } from '../passwords/hashing-pool.ts';

const MB = 1024 * 1024;

export type MemoryLimits = {
  /** The size that V8 lets the heap reach, young generation included. Beyond it, the process aborts. */
  heapBytes: number;
  /** The limit of the container or control group. Null if there is none below the memory of the machine. */
  processBytes: number | null;
};

/**
 * The heap of `--max-old-space-size=256` with `--max-semi-space-size=16`, which reserves three times 16 MB.
 * `bench/attacks/memory.ts` runs a server in it.
 */
const minOldSpaceMB = 256;
const semiSpaceMB = 16;
const minHeapBytes = (minOldSpaceMB + 3 * semiSpaceMB) * MB;

/** Outside of the heap, measured: the code and the libraries with SQLite's cache, a thread, and a connection. */
const native = { base: 96 * MB, perThread: 12 * MB, perConnection: 0.1 * MB };

/** Returns the limits on the memory of this process. */
export function readMemoryLimits(): MemoryLimits {
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < totalmem();
  return { heapBytes: getHeapStatistics().heap_size_limit, processBytes: isLimited ? limit : null };
}

/** Returns a sentence for each limit that is too small for a server with this configuration. */
export function memoryProblems(config: Config, { heapBytes, processBytes }: MemoryLimits): string[] {
  const problems: string[] = [];
  if (heapBytes < minHeapBytes) {
    problems.push(
      `The heap may grow to ${inMB(heapBytes)} only, but a server under load needs ${inMB(minHeapBytes)}. Start Node ` +
        `with --max-old-space-size=${minOldSpaceMB} or more, for example in NODE_OPTIONS.`,
    );
  }
  const nativeBytes = nativeBytesOf(config);
  if (processBytes !== null && Math.max(heapBytes, minHeapBytes) + nativeBytes > processBytes) {
    problems.push(
      `The memory limit of this process is ${inMB(processBytes)}, but its heap may grow to ${inMB(heapBytes)}, and it ` +
        `needs ${inMB(nativeBytes)} besides. The system may kill it. ${remedy(processBytes, nativeBytes)}`,
    );
  }
  return problems;
}

/** Returns the need outside of the heap: for hashing, for bodies and answers, and for connections to PostgreSQL. */
function nativeBytesOf({ passwords, databaseUrl, databasePoolSize, databaseReplicaUrl }: Config): number {
  const pools = Number(isPostgresqlUrl(databaseUrl)) + Number(databaseReplicaUrl !== null);
  const hashing = maxThreads * (native.perThread + passwords.memoryKiB * 1024);
  return native.base + maxHeldBytes + hashing + pools * databasePoolSize * native.perConnection;
}

function remedy(processBytes: number, nativeBytes: number): string {
  const oldSpaceMB = Math.floor((processBytes - nativeBytes) / MB) - 3 * semiSpaceMB;
  const raise = `Raise the limit to ${inMB(minHeapBytes + nativeBytes)}`;
  const options = `--max-semi-space-size=${semiSpaceMB} --max-old-space-size=${Math.max(oldSpaceMB, minOldSpaceMB)}`;
  return oldSpaceMB < minOldSpaceMB ? `${raise}, and start Node with ${options}.` : `Start Node with ${options}.`;
}

function inMB(bytes: number): string {
  return `${Math.ceil(bytes / MB)} MB`;
}
