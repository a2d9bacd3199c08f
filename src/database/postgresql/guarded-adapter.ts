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

/**
 * Prisma's adapter for node-postgres, but for one thing: a connection that failed in the middle of a transaction goes
 * out of use.
 *
 * Prisma's puts it back into the pool. If the database froze and ROLLBACK timed out, the transaction is still open
 * there, and whoever gets the connection next writes into it, is told that it is done, and never sees it committed.
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
  // PgTransaction has its connection in a property that its type does not show.
  const { client } = transaction as unknown as { client: pg.PoolClient };
  let broken: unknown;
  let isOver = false;
  const guarded =
    <T>(send: (query: SqlQuery) => Promise<T>) =>
    async (query: SqlQuery): Promise<T> => {
      // A connection that did not answer would only be waited for once more.
      if (broken) throw broken;
      // What comes too late would be carried out as a statement of its own, or in somebody else's transaction.
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
  transaction.rollback = async () => (broken ? client.release(new Error('It is of no use any more.')) : rollback());
  return transaction;
}

/** Whether it was PostgreSQL that refused, by one of its codes, rather than the connection that failed. */
function isAnswer(error: unknown): boolean {
  return isDriverAdapterError(error) && error.cause.originalCode !== undefined;
}
