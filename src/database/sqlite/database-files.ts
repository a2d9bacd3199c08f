import { statSync } from 'node:fs';
import { type Repeated, repeat } from '../../background.ts';
import { OperatorError } from '../../errors.ts';
import { lostCode } from '../faults.ts';

/** The time between two checks, in milliseconds. Every write is checked besides. */
const intervalMs = 500;

/** The files of an open database, by the ends of their names: the database, its write-ahead log, the log's index. */
const parts = ['', '-wal', '-shm'] as const;

type Part = (typeof parts)[number];

/**
 * Watches that the files of an open database stay under their names. A process that has a file open goes on writing to
 * it after somebody has removed or replaced it, and no later start would find these writes.
 *
 * SQLite does not show its descriptors. So create this before SQLite opens the file, and call `begin` afterwards: a
 * file that was the same before and after is the one that is open.
 */
export class DatabaseFiles {
  readonly #file: string;
  readonly #before: string | null;
  #opened: [part: Part, identity: string | null][] = [];
  #lost: Part | null = null;
  #onLost: (() => void) | null = null;
  #checks: Repeated | null = null;

  constructor(file: string) {
    this.#file = file;
    this.#before = identityOf(file);
  }

  /**
   * Begins to watch. `onLost` is called once, when a file is not in its place any more.
   *
   * @throws OperatorError if the database was replaced while it was opened.
   */
  begin(onLost: () => void): void {
    this.#opened = parts.map((part) => [part, identityOf(`${this.#file}${part}`)]);
    if (this.#before !== null && this.#before !== this.#opened[0]?.[1]) {
      throw new OperatorError(`The database file ${this.#file} was replaced while it was opened. Try again.`);
    }
    this.#onLost = onLost;
    this.#checks = repeat(
      intervalMs,
      async () => this.#check(),
      () => {},
    );
  }

  /** True if the file of the database itself is in its place, rather than only a part of its log. */
  get isDatabaseInPlace(): boolean {
    return this.#lost !== '';
  }

  /** Fails once a file is known to be lost. Costs nothing. @throws an error that means 503 */
  requireKnown(): void {
    if (this.#lost !== null) throw this.#isLost(this.#lost);
  }

  /**
   * Fails if a file is not in its place now. Called after a write and before its acknowledgement: then the write is in
   * the file that the next start opens. @throws an error that means 503
   */
  requireInPlace(): void {
    this.#check();
    this.requireKnown();
  }

  #check(): void {
    if (this.#lost !== null) return;
    const lost = this.#opened.find(([part, identity]) => identityOf(`${this.#file}${part}`) !== identity);
    if (!lost) return;
    this.#lost = lost[0];
    this.#onLost?.();
  }

  /** Ends the watch. */
  async stop(): Promise<void> {
    this.#opened = [];
    await this.#checks?.stop();
  }

  /** Returns the error of a statement, with a code that means 503. */
  #isLost(part: Part): Error {
    const message = `${this.#file}${part} was removed or replaced while it was open. Nothing is written any more.`;
    return Object.assign(new OperatorError(message), { code: lostCode });
  }
}

/** Returns the device and the inode of a path: the same file has the same, under any name. Null without a file. */
function identityOf(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? `${stats.dev}:${stats.ino}` : null;
}

/**
 * Refuses a file with several names (hard links). SQLite has the log of a database beside the name by which it was
 * opened, so two programs with two names would have two logs, and each would destroy the writes of the other.
 *
 * @see https://sqlite.org/howtocorrupt.html, section 2.5
 * @throws OperatorError
 */
export function requireOneName(file: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  const links = stats?.isFile() ? stats.nlink : 1;
  if (links <= 1) return;
  throw new OperatorError(
    `The database file ${file} has ${links} names (hard links). Programs that open it by different names destroy each ` +
      `other's writes. Find the names with "find / -xdev -samefile ${file}", and remove all but one.`,
  );
}
