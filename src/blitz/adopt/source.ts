/** What is asked of a database that may be taken over, and done to it, whichever kind it is. */

export type Row = Record<string, unknown>;

/** The tables of the family that become ours. All others are left as they are. */
export const adoptedTables = ['User', 'Session'] as const;
export type AdoptedTable = (typeof adoptedTables)[number];

export type Column = {
  name: string;
  /** As the database declares it. */
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
  /** Whether the database itself gives every user and session the next number. */
  countsIds(): Promise<boolean>;
  /** The SQL of a time in a column, comparable with `literal`; null where it is none. */
  time(column: string): string;
  /** How many times of a column are written as text. */
  countTextTimes(table: string, column: string): Promise<number>;
  /** The SQL of a moment, as this server stores it. */
  literal(moment: Date): string;
};

/** A source on which an adoption is under way. */
export type Adoption = Source & {
  /** Begins the one transaction of the adoption and keeps everybody else from writing. */
  begin(): Promise<void>;
  /** Copies the database as it is, and returns where to, or null where that is left to its owner. */
  backUp(): Promise<string | null>;
  /** Makes room in the tables for what is to be written: nothing fires, and nothing refuses a null. */
  relaxConstraints(): Promise<void>;
  /** Writes one statement with its values, in which `?` stands for each. */
  write(sql: string, values?: (string | number | null)[]): Promise<void>;
  /** Brings the tables to the end of this server's history, and notes the history as done. */
  finish(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  close(): Promise<void>;
};

/** A name as SQL writes it, whatever is in it. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What `SELECT count(*) AS "count" …` says. */
export async function countOf(source: Source, from: string): Promise<number> {
  const [row] = await source.query(`SELECT count(*) AS "count" FROM ${from}`);
  return Number(row?.count);
}

/** How many rows each table has. */
export async function countTables(source: Source): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const table of await source.tables()) counts.set(table, await countOf(source, quoted(table)));
  return counts;
}
