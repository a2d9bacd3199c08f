/** Statements that select all columns of a column table, and the conversion of result rows to records. */
import type { ColumnTable, RecordOf } from './columns.ts';

/** A table of the database, the alias of its rows in conditions, and the selected columns. */
export type Source<Table extends ColumnTable> = { name: string; alias: string; columns: Table };

/** Two tables. The right one may have no row for a row of the left one. */
export type LeftJoin<Left extends ColumnTable, Right extends ColumnTable & { id: 'id' }> = {
  left: Source<Left>;
  right: Source<Right>;
  on: string;
};

/**
 * A value of a row, as the drivers of both databases return it: a number of 64 bits as a bigint or as text, and a time
 * in the form of its database.
 */
export type Value = string | number | bigint | null;

/** A row of a result, with its values in the order of the statement's columns. */
export type Row = Value[];

export type ToDate = (time: string | number | bigint) => Date;

/** A statement, and the conversion of its result rows to records. */
export type Select<Selected> = { sql: string; toRecord: (row: Row) => Selected };

/** Selects the rows that match a condition. */
export function select<Table extends ColumnTable>(
  source: Source<Table>,
  condition: string,
  toDate: ToDate,
): Select<RecordOf<Table>> {
  const sql = `SELECT ${listOf(source)} FROM ${nameOf(source)} WHERE ${condition}`;
  return { sql, toRecord: readerOf(source.columns, 0, toDate) };
}

/** Selects the pairs of rows that match a condition. The second of a pair is null if there is no such row. */
export function selectLeftJoin<Left extends ColumnTable, Right extends ColumnTable & { id: 'id' }>(
  { left, right, on }: LeftJoin<Left, Right>,
  condition: string,
  toDate: ToDate,
): Select<[RecordOf<Left>, RecordOf<Right> | null]> {
  const tables = `${nameOf(left)} LEFT JOIN ${nameOf(right)} ON ${on}`;
  const width = Object.keys(left.columns).length;
  const idPlace = width + Object.keys(right.columns).indexOf('id');
  const toLeft = readerOf(left.columns, 0, toDate);
  const toRight = readerOf(right.columns, width, toDate);
  return {
    sql: `SELECT ${listOf(left)}, ${listOf(right)} FROM ${tables} WHERE ${condition}`,
    toRecord: (row) => [toLeft(row), row[idPlace] === null ? null : toRight(row)],
  };
}

function nameOf({ name, alias }: Source<ColumnTable>): string {
  return `"${name}" ${alias}`;
}

function listOf({ alias, columns }: Source<ColumnTable>): string {
  return Object.keys(columns)
    .map((column) => `${alias}."${column}"`)
    .join(', ');
}

/** Returns the conversion to records for rows in which the columns of a table begin at index `first`. */
export function readerOf<Table extends ColumnTable>(
  table: Table,
  first: number,
  toDate: ToDate,
): (row: Row) => RecordOf<Table> {
  const columns = Object.entries(table).map(([name, kind], index) => ({
    name,
    place: first + index,
    convert: converterOf(kind, toDate),
  }));
  // V8 turns an object into a slow dictionary when it gets 20 properties by computed names, but not a copy of this one.
  const blank: Record<string, Converted> = Object.fromEntries(columns.map(({ name }) => [name, null]));
  return (row) => {
    const record = { ...blank };
    for (const { name, place, convert } of columns) {
      const value = row[place];
      if (value === undefined) throw new Error(`A row has no value for ${name}.`);
      record[name] = convert === null || value === null ? value : convert(value);
    }
    // tsc cannot follow a loop over names. Here, each column of the table has its own value, and there is no other
    // property.
    return record as RecordOf<Table>;
  };
}

type Converted = Value | Date;

/** Returns the conversion of the values of a kind of column. Null for a kind whose values stay as they are. */
function converterOf(kind: ColumnTable[string], toDate: ToDate): ((value: NonNullable<Value>) => Converted) | null {
  if (kind === 'id' || kind === 'id?') return BigInt;
  if (kind === 'int' || kind === 'int?') return Number;
  return kind === 'time' || kind === 'time?' ? toDate : null;
}
