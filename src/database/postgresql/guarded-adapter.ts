import { PrismaPg } from '@prisma/adapter-pg';
import {
  DriverAdapterError,
  type IsolationLevel,
  isDriverAdapterError,
  type SqlDriverAdapter,
  type SqlDriverAdapterFactory,
  type SqlQuery,
  type Transaction,
} from '@prisma/driver-adapter-utils';
import type pg from 'pg';
import { transactionOptions } from '../dialect.ts';
import { transactionIsOver } from '../failures.ts';
import { registerTransaction } from '../raw-sql.ts';
import type { PreparedStatements } from './prepared-statements.ts';

/** PostgreSQL's code for a write in a transaction that can only read. */
const readOnlyCode = '25006';

/**
 * Returns Prisma's adapter for node-postgres with these differences:
 * - A connection that failed during a transaction is discarded. Prisma returns it to the pool. If the database froze and
 *   ROLLBACK timed out, the transaction is still open there. The next user of the connection writes into it, gets a
 *   success, and the write is never committed.
 * - A transaction ends in time, also if each of its statements does, or if its COMMIT waits for a standby.
 * - Connections keep frequent statements prepared. If one of them does not have such a statement, it is sent again. In a
 *   transaction, it conflicts: the transaction begins anew.
 * - All refusals of a transaction are thrown as the first one, which caused the others (`runConcurrently`).
 */
export function guardedAdapter(pool: pg.Pool, statements: PreparedStatements): SqlDriverAdapterFactory {
  const { statementNameGenerator, stopIfMissing } = namesOf(statements);
  const factory = new PrismaPg(pool, { disposeExternalPool: true, statementNameGenerator });
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    async connect() {
      const adapter: SqlDriverAdapter = await factory.connect();
      const startTransaction = adapter.startTransaction.bind(adapter);
      adapter.queryRaw = repeating(adapter.queryRaw.bind(adapter), stopIfMissing);
      adapter.startTransaction = async (level?: IsolationLevel) => {
        const began = performance.now();
        const transaction = guard(await startTransaction(level), began + transactionOptions.timeout, stopIfMissing);
        registerTransaction(transaction);
        return transaction;
      };
      return adapter;
    },
  };
}

type Query = SqlQuery & { isPrepared?: boolean };

type Send<T> = (query: SqlQuery) => Promise<T>;

/**
 * Returns whether a query failed because the connection does not have its statement prepared. From then on, no statement
 * has a name.
 */
type StopIfMissing = (query: SqlQuery, error: unknown) => boolean;

/** Names the statements of an adapter, and remembers which queries were sent with a name. */
function namesOf(statements: PreparedStatements) {
  const named = new WeakSet<SqlQuery>();
  const statementNameGenerator = (query: Query): string => {
    const name = query.isPrepared ? statements.nameOf(query.sql) : null;
    if (name !== null) named.add(query);
    return name ?? '';
  };
  const stopIfMissing: StopIfMissing = (query, error) => named.has(query) && statements.stopIfMissing(codeOf(error));
  return { statementNameGenerator, stopIfMissing };
}

/** Sends a query again, without the name of its statement, if the connection does not have the statement. */
function repeating<T>(send: Send<T>, stopIfMissing: StopIfMissing): Send<T> {
  return async (query) => {
    try {
      return await send(query);
    } catch (error) {
      if (!stopIfMissing(query, error)) throw error;
      return send(query);
    }
  };
}

/** @param deadline - by the clock of `performance`. A statement that was sent and is not answered by then may be carried out. */
function guard(transaction: Transaction, deadline: number, stopIfMissing: StopIfMissing): Transaction {
  // PgTransaction has its connection in a property that is not in its type.
  const { client } = transaction as unknown as { client: pg.PoolClient };
  let broken: unknown;
  let refusal: unknown;
  let isOver = false;
  const late = Promise.withResolvers<never>();
  late.promise.catch(() => {});
  const timer = setTimeout(() => {
    // A statement that begins afterwards is not sent. A COMMIT would be carried out, and answered as refused.
    broken ??= transactionIsOver();
    late.reject(broken);
  }, deadline - performance.now());
  const guarded =
    <T>(send: Send<T>): Send<T> =>
    async (query) => {
      // A connection that did not answer would only be waited for once more.
      if (broken) throw broken;
      // A late statement would run on its own, or in the transaction of another user.
      const isEnd = /^(COMMIT|ROLLBACK)$/.test(query.sql);
      if (isOver && !isEnd) throw transactionIsOver();
      isOver ||= isEnd;
      try {
        return await Promise.race([send(query), late.promise]);
      } catch (error) {
        if (!isAnswer(error)) {
          broken = error;
          throw error;
        }
        // PostgreSQL refuses all later statements because of the first one, some of them by other codes.
        refusal ??= stopIfMissing(query, error) ? asConflict(error) : error;
        throw refusal;
      }
    };
  transaction.queryRaw = guarded(transaction.queryRaw.bind(transaction));
  transaction.executeRaw = guarded(transaction.executeRaw.bind(transaction));
  const commit = transaction.commit.bind(transaction);
  transaction.commit = async () => {
    clearTimeout(timer);
    await commit();
  };
  const rollback = transaction.rollback.bind(transaction);
  transaction.rollback = async () => {
    clearTimeout(timer);
    if (broken) client.release(new Error('The connection failed during a transaction.'));
    else await rollback();
  };
  return transaction;
}

/**
 * Returns whether PostgreSQL refused a statement with one of its codes, rather than the connection failed. A connection
 * that can only read is as good as failed: the next one may lead to the new primary after a failover, or a database
 * whose default is to write again.
 */
function isAnswer(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && code !== readOnlyCode;
}

/** Returns the error of a query as that of a conflict, after which the transaction begins anew. */
function asConflict(error: unknown): unknown {
  if (!isDriverAdapterError(error)) return error;
  return new DriverAdapterError({ ...error.cause, kind: 'TransactionWriteConflict' });
}

/** Returns the SQLSTATE code of an error, if PostgreSQL answered with one. */
function codeOf(error: unknown): string | undefined {
  return isDriverAdapterError(error) ? error.cause.originalCode : undefined;
}
