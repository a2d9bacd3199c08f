import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils';
import type BetterSqlite3 from 'better-sqlite3';
import { LRUCache } from 'lru-cache';

/** Statements past Prisma are few; those for lists differ by their length. */
const maxStatements = 100;

/**
 * Carries statements out on the connection of Prisma's adapter, and keeps them prepared. The adapter prepares each
 * anew, which takes longer than most of them do.
 */
export class PreparedStatements {
  readonly #connection: BetterSqlite3.Database;
  readonly #statements = new LRUCache<string, BetterSqlite3.Statement<unknown[], unknown[]>>({ max: maxStatements });

  constructor(adapter: SqlDriverAdapter) {
    // Prisma's adapter has its connection in a property that its type does not show.
    this.#connection = (adapter as unknown as { client: BetterSqlite3.Database }).client;
  }

  /**
   * Returns the rows of the answer, or none for a statement without. Numbers are bigints, and times Unix milliseconds.
   */
  run(sql: string, values: readonly unknown[]): unknown[][] {
    const statement = this.#statements.get(sql) ?? this.#prepare(sql);
    const bound = values.map((value) => (value instanceof Date ? value.getTime() : value));
    if (statement.reader) return statement.all(...bound);
    statement.run(...bound);
    return [];
  }

  #prepare(sql: string): BetterSqlite3.Statement<unknown[], unknown[]> {
    const statement = this.#connection.prepare<unknown[], unknown[]>(sql);
    // Other numbers would not hold every id.
    if (statement.reader) statement.raw().safeIntegers();
    this.#statements.set(sql, statement);
    return statement;
  }
}
