import { hash } from 'node:crypto';
import { isNotPrepared } from '../failures.ts';

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
   * Returns whether a statement with a name failed only because the connection does not have it prepared. From then on,
   * no statement has a name.
   */
  isMissing(code: string | undefined): boolean;
};

export function preparedStatements(): PreparedStatements {
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
    isMissing(code) {
      if (!isNotPrepared(code)) return false;
      isPreparable = false;
      return true;
    },
  };
}
