/** The operations on a database that may be adopted, for SQLite and PostgreSQL. */

export type Row = Record<string, unknown>;

/** The tables of Blitz.js that become ours. All others stay unchanged. */
export const adoptedTables = ['User', 'Session'] as const;
export type AdoptedTable = (typeof adoptedTables)[number];

export type Column = {
  name: string;
  /** The type as declared in the database. */
  type: string;
  holds: 'number' | 'text' | 'time' | 'other';
  isNullable: boolean;
};

export type Index = { name: string; columns: string[]; isUnique: boolean };

export type Source = {
  kind: 'sqlite' | 'postgresql';
  query(sql: string): Promise<Row[]>;
  tables(): Promise<string[]>;
  columns(table: string): Promise<Column[]>;
  indexes(table: string): Promise<Index[]>;
  /** Returns whether the database itself generates the ids of users and sessions. */
  countsIds(): Promise<boolean>;
  /** Returns SQL for the time in a column, comparable with `literal`, and null if the value is not a time. */
  time(column: string): string;
  /** Returns the number of times in a column that are stored as text. */
  countTextTimes(table: string, column: string): Promise<number>;
  /** Returns SQL for a moment, as this server stores it. */
  literal(moment: Date): string;
};

/** A source during an adoption. */
export type Adoption = Source & {
  /** Begins the single transaction of the adoption, and blocks all other writers. */
  begin(): Promise<void>;
  /** Copies the unchanged database. Returns the path of the copy, or null if backups are the owner's task. */
  backUp(): Promise<string | null>;
  /** Disables triggers and allows nulls, so that the new values can be written. */
  relaxConstraints(): Promise<void>;
  /** Runs one statement, in which `?` stands for each value. */
  write(sql: string, values?: (string | bigint | null)[]): Promise<void>;
  /** Brings the tables to the end of this server's history, and records the history as applied. */
  finish(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  close(): Promise<void>;
};

/** Returns a name, with any characters in it, as a quoted SQL identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Returns the result of `SELECT count(*) AS "count" …`. */
export async function countOf(source: Source, from: string): Promise<number> {
  const [row] = await source.query(`SELECT count(*) AS "count" FROM ${from}`);
  return Number(row?.count);
}

/** Returns the number of rows of each table. */
export async function countTables(source: Source): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const table of await source.tables()) counts.set(table, await countOf(source, quoted(table)));
  return counts;
}
