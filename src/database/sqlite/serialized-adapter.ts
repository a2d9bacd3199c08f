import { setTimeout as sleep } from 'node:timers/promises';
import {
  type IsolationLevel,
  isDriverAdapterError,
  type SqlDriverAdapter,
  type SqlQuery,
  type SqlResultSet,
  type Transaction,
} from '@prisma/driver-adapter-utils';
import { SqliteError } from 'better-sqlite3';
import { transactionIsOver } from '../failures.ts';
import { registerTransaction } from '../raw-sql.ts';
import type { DatabaseFiles } from './database-files.ts';
import { Mutex, type Release } from './mutex.ts';
import { PreparedStatements } from './prepared-statements.ts';
import { yieldToEventLoop } from './yield-to-event-loop.ts';

/** The time for which a statement waits for a lock of another process before it fails, in milliseconds. */
const busyTimeoutMs = 4_000;

/**
 * Statements that write nothing. Others are acknowledged only if the files of the database are still in their place.
 */
const onlyReads = /^\s*SELECT\b/i;

/**
 * Gives one SQLite connection to one user at a time: a plain query, or a whole transaction.
 *
 * Otherwise, a plain query that arrives during a transaction runs inside that transaction: it sees uncommitted data,
 * and a rollback of the transaction undoes its own acknowledged write.
 *
 * Transactions begin IMMEDIATE, so that a transaction that first reads and then writes cannot lose its snapshot to
 * another process. Waits for another process happen here and not in SQLite, where they would block the event loop. A
 * waiting statement leaves the connection to others meanwhile, so that readers are not delayed.
 */
export class SerializedAdapter implements SqlDriverAdapter {
  readonly provider = 'sqlite';
  readonly adapterName: string;
  readonly #inner: SqlDriverAdapter;
  readonly #mutex = new Mutex();
  readonly #prepared: PreparedStatements;
  readonly #files: DatabaseFiles | null;

  /** @param files - the files of the database, if they are watched */
  constructor(inner: SqlDriverAdapter, files: DatabaseFiles | null = null) {
    this.#inner = inner;
    this.#prepared = new PreparedStatements(inner);
    this.#files = files;
    this.adapterName = inner.adapterName;
  }

  queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    return retryWhileBusy(() => this.#exclusively(query.sql, () => this.#inner.queryRaw(query)));
  }

  /** @param timeoutMs - the time for which to wait for a lock of another process */
  runPrepared(sql: string, values: readonly unknown[], timeoutMs = busyTimeoutMs): Promise<unknown[][]> {
    return retryWhileBusy(() => this.#exclusively(sql, async () => this.#prepared.run(sql, values)), timeoutMs);
  }

  executeRaw(query: SqlQuery): Promise<number> {
    return retryWhileBusy(() => this.#exclusively(query.sql, () => this.#inner.executeRaw(query)));
  }

  /**
   * Moves the whole log into the database file, and empties it. Returns whether nobody was in the way. For a database
   * whose files are lost, whose statements are refused.
   */
  emptyLog(): Promise<boolean> {
    return this.#mutex.run(async () => {
      const [[isBusy] = []] = this.#prepared.run('PRAGMA wal_checkpoint(TRUNCATE)', []);
      return isBusy === 0n;
    });
  }

  executeScript(script: string): Promise<void> {
    return retryWhileBusy(() => this.#mutex.run(async () => this.#inner.executeScript(script)));
  }

  #exclusively<T>(sql: string, act: () => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      await yieldToEventLoop();
      this.#files?.requireKnown();
      const answer = await act();
      if (!onlyReads.test(sql)) this.#files?.requireInPlace();
      return answer;
    });
  }

  async startTransaction(isolationLevel?: IsolationLevel): Promise<Transaction> {
    if (isolationLevel !== undefined && isolationLevel !== 'SERIALIZABLE') {
      throw new Error(`SQLite is always SERIALIZABLE, not ${isolationLevel}.`);
    }
    const transaction = await retryWhileBusy(() => this.#begin());
    registerTransaction(transaction);
    return transaction;
  }

  async #begin(): Promise<Transaction> {
    const release = await this.#mutex.acquire();
    try {
      this.#files?.requireKnown();
      await this.#inner.executeScript('BEGIN IMMEDIATE');
      return new SerializedTransaction({ inner: this.#inner, prepared: this.#prepared, files: this.#files, release });
    } catch (error) {
      release();
      throw error;
    }
  }

  dispose(): Promise<void> {
    return this.#mutex.run(() => this.#inner.dispose());
  }
}

type Lent = { inner: SqlDriverAdapter; prepared: PreparedStatements; files: DatabaseFiles | null; release: Release };

class SerializedTransaction implements Transaction {
  readonly provider = 'sqlite';
  readonly adapterName: string;
  /** Prisma leaves COMMIT and ROLLBACK to the methods below. */
  readonly options = { usePhantomQuery: true };
  readonly #inner: SqlDriverAdapter;
  readonly #prepared: PreparedStatements;
  readonly #files: DatabaseFiles | null;
  readonly #release: Release;
  #isOver = false;
  #isReleased = false;

  constructor({ inner, prepared, files, release }: Lent) {
    this.#inner = inner;
    this.#prepared = prepared;
    this.#files = files;
    this.#release = release;
    this.adapterName = inner.adapterName;
  }

  async queryRaw(query: SqlQuery): Promise<SqlResultSet> {
    await this.#requireOpen();
    return this.#inner.queryRaw(query);
  }

  async runPrepared(sql: string, values: readonly unknown[]): Promise<unknown[][]> {
    await this.#requireOpen();
    return this.#prepared.run(sql, values);
  }

  async executeRaw(query: SqlQuery): Promise<number> {
    await this.#requireOpen();
    return this.#inner.executeRaw(query);
  }

  /** Rejects a late statement: it would run on its own, or in another transaction. */
  async #requireOpen(): Promise<void> {
    await yieldToEventLoop();
    if (this.#isOver) throw transactionIsOver();
  }

  async commit(): Promise<void> {
    await this.#requireOpen();
    this.#isOver = true;
    try {
      await retryWhileBusy(async () => this.#inner.executeScript('COMMIT'));
      this.#files?.requireInPlace();
    } catch (error) {
      await this.#rollBack();
      throw error;
    } finally {
      this.#giveBack();
    }
  }

  /** Rolls back, unless a commit that failed has done so: the connection may have the next transaction by now. */
  async rollback(): Promise<void> {
    if (this.#isReleased) return;
    try {
      await this.#rollBack();
    } finally {
      this.#giveBack();
    }
  }

  #giveBack(): void {
    this.#isReleased = true;
    this.#release();
  }

  async #rollBack(): Promise<void> {
    this.#isOver = true;
    try {
      await this.#inner.executeScript('ROLLBACK');
    } catch (error) {
      // On a full disk, among other errors, SQLite rolls back by itself, and nothing is left to do.
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error;
    }
  }

  async createSavepoint(name: string): Promise<void> {
    await this.#requireOpen();
    await this.#inner.executeScript(`SAVEPOINT ${name}`);
  }

  async rollbackToSavepoint(name: string): Promise<void> {
    await this.#requireOpen();
    await this.#inner.executeScript(`ROLLBACK TO ${name}`);
  }

  async releaseSavepoint(name: string): Promise<void> {
    await this.#requireOpen();
    await this.#inner.executeScript(`RELEASE SAVEPOINT ${name}`);
  }
}

/** Retries a statement while another process keeps it from beginning. Such a statement has changed nothing. */
export async function retryWhileBusy<T>(act: () => Promise<T>, timeoutMs = busyTimeoutMs): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 50)) {
    try {
      return await act();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
      await sleep(waitMs);
    }
  }
}

function isBusy(error: unknown): boolean {
  const code = isDriverAdapterError(error) ? error.cause.originalCode : error instanceof SqliteError && error.code;
  return code ? code.startsWith('SQLITE_BUSY') : false;
}
