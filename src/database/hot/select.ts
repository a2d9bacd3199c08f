/** Statements that select all columns of a column table, and the records that rows of the answer become. */
import type { ColumnTable, RecordOf } from './columns.ts';

/** A table of the database, the name of its rows in conditions, and what is selected of it. */
export type Source<Table extends ColumnTable> = { name: string; alias: string; columns: Table };

/** Two tables, of which the second may have no row for one of the first. */
export type LeftJoin<Left extends ColumnTable, Right extends ColumnTable & { id: 'id' }> = {
  left: Source<Left>;
  right: Source<Right>;
  on: string;
};

/** A value of a row, as the drivers of both databases return it. A time has the form of the database. */
export type Value = string | number | null;

/** A row of an answer, with its values in the order of the statement's columns. */
export type Row = Value[];

export type ToDate = (time: string | number) => Date;

/** A statement, and what makes a record of each row of its answer. */
export type Select<Selected> = { sql: string; toRecord: (row: Row) => Selected };

/** Selects the rows for which a condition is true. */
export function select<Table extends ColumnTable>(
  source: Source<Table>,
  condition: string,
  toDate: ToDate,
): Select<RecordOf<Table>> {
  const sql = `SELECT ${listOf(source)} FROM ${nameOf(source)} WHERE ${condition}`;
  return { sql, toRecord: readerOf(source.columns, 0, toDate) };
}

/** Selects the pairs of rows for which a condition is true. The second of a pair is null where there is none. */
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

/** Returns what makes records of rows in which the columns of a table begin at a place. */
export function readerOf<Table extends ColumnTable>(
  table: Table,
  first: number,
  toDate: ToDate,
): (row: Row) => RecordOf<Table> {
  const columns = Object.entries(table).map(([name, kind], index) => ({
    name,
    place: first + index,
    isTime: kind === 'time' || kind === 'time?',
  }));
  // V8 makes a slow dictionary of an object that gets 20 properties by computed names, but not of a copy of this one.
  const blank: Record<string, Value | Date> = Object.fromEntries(columns.map(({ name }) => [name, null]));
  return (row) => {
    const record = { ...blank };
    for (const { name, place, isTime } of columns) {
      const value = row[place];
      if (value === undefined) throw new Error(`A row was read that has no ${name}.`);
      record[name] = isTime && value !== null ? toDate(value) : value;
    }
    // tsc cannot follow a loop over names. Each column of the table has its own value here, and no other property is.
    return record as RecordOf<Table>;
  };
}
