import { hash } from 'node:crypto';
import { OperatorNotice } from '../../errors.ts';

/**
 * SQLSTATE codes for a named statement that the connection does not know. Behind a pooler, every query may get another
 * connection, with other prepared statements. Another cause is a migration that changed the statement's columns. The
 * statement was not carried out.
 */
const missingCodes = new Set(['26000', '42P05', '0A000']);

/** The maximum number of statements that a connection keeps. Further ones are sent without a name. */
const maxNames = 100;

/** The statements that the connections of a pool keep prepared. */
export type PreparedStatements = {
  /**
   * Returns the name of a statement that the connections keep, or null if they keep none.
   *
   * The name is a hash of the text. A pooler that does not know prepared statements gives several servers the same
   * connections, also servers of two versions. If two texts had one name, the one of the other server would be carried
   * out.
   */
  nameOf(sql: string): string | null;
  /**
   * Returns whether a statement with a name was refused because the connection does not have it prepared. From then on,
   * no statement has a name.
   *
   * @param code - the SQLSTATE code of the refusal. Undefined for other errors
   */
  stopIfMissing(code: string | undefined): boolean;
};

/** @param report - is told once, if connections turn out to keep no statements */
export function preparedStatements(report: (notice: OperatorNotice) => void): PreparedStatements {
  const names = new Map<string, string>();
  let isPreparable = true;
  return {
    nameOf(sql) {
      if (!isPreparable) return null;
      const known = names.get(sql);
      if (known !== undefined) return known;
      if (names.size === maxNames) return null;
      const name = hash('sha256', sql, 'base64url');
      names.set(sql, name);
      return name;
    },
    stopIfMissing(code) {
      if (code === undefined || !missingCodes.has(code)) return false;
      if (isPreparable) report(new OperatorNotice('info', stopped(code)));
      isPreparable = false;
      return true;
    },
  };
}

function stopped(code: string): string {
  return (
    `PostgreSQL plans each statement anew until this server restarts: a connection did not have a prepared one (${code}). ` +
    'The cause is a migration, or a pooler that does not keep prepared statements: see "PgBouncer" in docs/production.md.'
  );
}
