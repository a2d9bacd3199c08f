import { isDriverAdapterError, type SqlQuery, type SqlResultSet } from '@prisma/driver-adapter-utils';

/**
 * SQLSTATE codes for a named statement that the connection does not know. Behind a pooler, every query may get another
 * connection, with other prepared statements. Another cause is a migration that changed the statement's columns. The
 * statement was not carried out.
 */
const notPrepared = new Set(['26000', '42P05', '0A000']);

/** Returns whether a statement failed because the connection does not have it prepared. */
export function isNotPrepared(code: string | undefined): boolean {
  return code !== undefined && notPrepared.has(code);
}

/** The maximum number of statements that a connection keeps. Further ones are sent without a name. */
const maxNames = 50;

type Query = SqlQuery & { isPrepared?: boolean };

type QueryRaw = (query: Query) => Promise<SqlResultSet>;

/** Returns the names of prepared statements for Prisma's adapter, and a wrapper for statements outside transactions. */
export function preparedStatements(): {
  statementNameGenerator: (query: SqlQuery) => string;
  withPrepared: (send: QueryRaw) => QueryRaw;
} {
  const names = new Map<string, string>();
  /** The statements that are sent outside of a transaction: a failure there has no consequences. */
  const named = new WeakSet<SqlQuery>();
  let isPreparable = true;
  return {
    statementNameGenerator(query) {
      if (!named.has(query)) return '';
      const known = names.get(query.sql);
      if (known !== undefined) return known;
      if (names.size === maxNames) return '';
      const name = `statement ${names.size + 1}`;
      names.set(query.sql, name);
      return name;
    },
    withPrepared: (send) => async (query) => {
      if (!query.isPrepared || !isPreparable) return send(query);
      named.add(query);
      try {
        return await send(query);
      } catch (error) {
        if (!isDriverAdapterError(error) || !isNotPrepared(error.cause.originalCode)) throw error;
        isPreparable = false;
        named.delete(query);
        return send(query);
      }
    },
  };
}
