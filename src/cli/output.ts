/** The output of commands: lines for people, or one JSON document for programs. */
import type { OperatorNotice } from '../errors.ts';

/** The option of commands that can print JSON. */
export const jsonOption = ['--json', 'print JSON, for programs'] as const;

export type JsonOption = { json?: boolean };

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Lets a command finish although its reader has closed standard output, as `head` does. */
export function ignoreClosedOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Prints a notice on standard error, because standard output has the result. */
export function sayNotice({ message }: OperatorNotice): void {
  process.stderr.write(`${message}\n`);
}

/** Returns a number with its noun, which is plural unless the number is 1. */
export function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}

/** Prints the result of a command: lines, or one JSON object. */
export function sayResult(result: object, { json }: JsonOption, ...lines: string[]): void {
  if (json) sayJson(result);
  else for (const line of lines) say(line);
}

/** Prints rows: one JSON list, or a line for each. */
export function sayRows<Row>(rows: Row[], { json }: JsonOption, lineOf: (row: Row) => string): void {
  if (json) sayJson(rows);
  else for (const row of rows) say(lineOf(row));
}

/** Prints a value as JSON. Ids are texts, because a JSON number cannot hold each of them. */
export function sayJson(value: unknown): void {
  say(JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part), 2));
}

/** Joins values by two spaces, without alignment, so that tools can split them. Leaves out null and false. */
export function columns(...values: (string | null | false)[]): string {
  return values.filter((value) => value !== null && value !== false && value !== '').join('  ');
}
