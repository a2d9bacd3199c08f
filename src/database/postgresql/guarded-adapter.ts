import { PrismaPg } from '@prisma/adapter-pg';
import {
  type IsolationLevel,
  isDriverAdapterError,
  type SqlDriverAdapter,
  type SqlDriverAdapterFactory,
  type SqlQuery,
  type Transaction,
} from '@prisma/driver-adapter-utils';
import type pg from 'pg';
import { transactionIsOver } from '../failures.ts';
import { registerTransaction } from '../raw-sql.ts';

/** PostgreSQL's code for a write in a transaction that can only read. */
const readOnlyCode = '25006';

/**
 * Returns Prisma's adapter for node-postgres with one difference: a connection that failed during a transaction is
 * discarded.
 *
 * Prisma returns it to the pool. If the database froze and ROLLBACK timed out, the transaction is still open there. The
 * next user of the connection writes into it, gets a success, and the write is never committed.
 */
export function guardedAdapter(pool: pg.Pool): SqlDriverAdapterFactory {
  const factory = new PrismaPg(pool, { disposeExternalPool: true });
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const adapter: SqlDriverAdapter = await factory.connect();
      const startTransaction = adapter.startTransaction.bind(adapter);
      adapter.startTransaction = async (level?: IsolationLevel) => {
        const transaction = guard(await startTransaction(level));
        registerTransaction(transaction);
        return transaction;
      };
      return adapter;
    },
  };
}

function guard(transaction: Transaction): Transaction {
  // PgTransaction has its connection in a property that is not in its type.
  const { client } = transaction as unknown as { client: pg.PoolClient };
  let broken: unknown;
  let isOver = false;
  const guarded =
    <T>(send: (query: SqlQuery) => Promise<T>) =>
    async (query: SqlQuery): Promise<T> => {
      // A connection that did not answer would only be waited for once more.
      if (broken) throw broken;
      // A late statement would run on its own, or in the transaction of another user.
      const isEnd = /^(COMMIT|ROLLBACK)$/.test(query.sql);
      if (isOver && !isEnd) throw transactionIsOver();
      isOver ||= isEnd;
      try {
        return await send(query);
      } catch (error) {
        if (!isAnswer(error)) broken = error;
        throw error;
      }
    };
  transaction.queryRaw = guarded(transaction.queryRaw.bind(transaction));
  transaction.executeRaw = guarded(transaction.executeRaw.bind(transaction));
  const rollback = transaction.rollback.bind(transaction);
  transaction.rollback = async () =>
    broken ? client.release(new Error('The connection failed during a transaction.')) : rollback();
  return transaction;
}

/**
 * Returns whether PostgreSQL refused a statement with one of its codes, rather than the connection failed. A connection
 * that can only read is as good as failed: the next one may lead to the new primary after a failover, or a database
 * whose default is to write again.
 */
function isAnswer(error: unknown): boolean {
  return (
    isDriverAdapterError(error) && error.cause.originalCode !== undefined && error.cause.originalCode !== readOnlyCode
  );
}
