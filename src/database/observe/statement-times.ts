import type { IsolationLevel, SqlDriverAdapter, SqlQueryable, Transaction } from '@prisma/driver-adapter-utils';

/** The time of one operation on the database. */
export type StatementTime = {
  /**
   * A prepared read of PostgreSQL, any other statement, the wait for a transaction to begin, or the commit of SQLite.
   * Prepared reads of SQLite take microseconds of this process, and are not measured.
   */
  kind: 'read' | 'statement' | 'begin' | 'commit';
  ms: number;
  isFailed: boolean;
};

export type OnStatement = (time: StatementTime) => void;

/**
 * Returns a function that does the same, and tells its time. The caller gets the same promise: another `async` function
 * around each statement would take longer than the rest of this.
 */
export function timed<Args extends unknown[], T>(
  kind: StatementTime['kind'],
  act: (...args: Args) => Promise<T>,
  tell: OnStatement,
): (...args: Args) => Promise<T> {
  return (...args) => {
    const began = performance.now();
    const running = act(...args);
    const end = (isFailed: boolean) => tell({ kind, ms: performance.now() - began, isFailed });
    running.then(
      () => end(false),
      () => end(true),
    );
    return running;
  };
}

/** Tells the time of each statement of an adapter and of its transactions from now on. */
export function timeStatements(adapter: SqlDriverAdapter, tell: OnStatement): void {
  timeQueryable(adapter, tell);
  const startTransaction = timed('begin', adapter.startTransaction.bind(adapter), tell);
  adapter.startTransaction = async (level?: IsolationLevel) => {
    const transaction: Transaction = await startTransaction(level);
    timeQueryable(transaction, tell);
    // Elsewhere the commit is a statement, and this only gives the connection back.
    if (transaction.options.usePhantomQuery) {
      transaction.commit = timed('commit', transaction.commit.bind(transaction), tell);
    }
    return transaction;
  };
}

/** Statements that SQLite keeps prepared are in a method of their own. */
type Queryable = SqlQueryable & { runPrepared?(sql: string, values: readonly unknown[]): Promise<unknown[][]> };

function timeQueryable(queryable: Queryable, tell: OnStatement): void {
  queryable.queryRaw = timed('statement', queryable.queryRaw.bind(queryable), tell);
  queryable.executeRaw = timed('statement', queryable.executeRaw.bind(queryable), tell);
  if (queryable.runPrepared) {
    queryable.runPrepared = timed('statement', queryable.runPrepared.bind(queryable), tell);
  }
}
