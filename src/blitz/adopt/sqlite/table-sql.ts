/** A parser and printer for `CREATE TABLE` as SQLite stores it. Text that it does not understand stays in place. */

const token =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\s+|[\p{L}\p{N}_$]+|[\s\S]/gu;
const blank = /^(?:\s|--|\/\*)/;
const beginsConstraint = /^(?:CONSTRAINT|PRIMARY|UNIQUE|CHECK|FOREIGN)$/i;
const endsType = /^(?:CONSTRAINT|PRIMARY|NOT|NULL|UNIQUE|CHECK|DEFAULT|COLLATE|REFERENCES|GENERATED|AS)$/i;

export type TableSql = { head: string; elements: string[]; tail: string };

/** Splits a statement into the columns and constraints of its table, each in its original text. */
export function parseTable(sql: string): TableSql {
  const tokens: string[] = sql.match(token) ?? [];
  const open = tokens.indexOf('(');
  const elements = [''];
  let depth = 0;
  for (let at = open; at < tokens.length; at += 1) {
    const text = tokens[at] ?? '';
    if (text === ')') depth -= 1;
    if (depth === 0 && at > open) {
      return { head: tokens.slice(0, open + 1).join(''), elements, tail: tokens.slice(at).join('') };
    }
    if (text === ',' && depth === 1) elements.push('');
    else if (at > open) elements[elements.length - 1] += text;
    if (text === '(') depth += 1;
  }
  throw new Error(`This is not a CREATE TABLE statement: ${sql}`);
}

export function printTable({ head, elements, tail }: TableSql): string {
  return `${head}${elements.join(',')}${tail}`;
}

/** Returns the name of the column that an element defines, or null for a constraint of the table. */
export function columnNameOf(element: string): string | null {
  const [first = ''] = significant(element);
  return beginsConstraint.test(first) ? null : unquoted(first);
}

/** Returns the columns of a foreign key that is a constraint of the table, or null for any other element. */
export function foreignKeyOf(element: string): string[] | null {
  const words = significant(element);
  const at = words.findIndex((word) => /^FOREIGN$/i.test(word));
  if (columnNameOf(element) !== null || at === -1) return null;
  const columns = words.slice(words.indexOf('(', at) + 1, words.indexOf(')', at));
  return columns.filter((word) => word !== ',').map(unquoted);
}

/** Returns a column's definition with another type, and with or without NOT NULL. All other clauses stay. */
export function withType(element: string, type: string, isNullable: boolean): string {
  const tokens = element.match(token) ?? [];
  const name = tokens.findIndex((text) => !blank.test(text));
  const rest = tokens.findIndex((text, at) => at > name && endsType.test(text));
  const constraints = rest === -1 ? trailingBlanks(tokens, name) : tokens.slice(rest);
  const kept = withoutNullness(constraints).replace(/^\s+/, ' ');
  const begin = tokens.slice(0, name + 1).join('');
  return `${begin} ${type}${isNullable ? '' : ' NOT NULL'}${kept === '' || /^\s/.test(kept) ? '' : ' '}${kept}`;
}

function trailingBlanks(tokens: string[], name: number): string[] {
  const last = tokens.findLastIndex((text) => !blank.test(text));
  return tokens.slice(Math.max(name, last) + 1);
}

/**
 * Removes `NOT NULL`, with its conflict clause, and `NULL`, except in a default, in a foreign key's `SET NULL` or in
 * brackets.
 */
function withoutNullness(tokens: string[]): string {
  const kept: string[] = [];
  let depth = 0;
  let before = '';
  let isLeftAway = false;
  for (const text of tokens) {
    if (text === '(') depth += 1;
    if (text === ')') depth -= 1;
    if (blank.test(text)) {
      kept.push(text);
      continue;
    }
    const isOfConflict: boolean = isLeftAway && (/^(ON|CONFLICT)$/i.test(text) || /^CONFLICT$/i.test(before));
    isLeftAway = depth === 0 && (isOfConflict || isNullness(text, before));
    if (!isLeftAway) kept.push(text);
    before = text;
  }
  return kept.join('');
}

function isNullness(text: string, before: string): boolean {
  return /^NOT$/i.test(text) || (/^NULL$/i.test(text) && !/^(DEFAULT|SET)$/i.test(before));
}

function significant(element: string): string[] {
  return (element.match(token) ?? []).filter((text) => !blank.test(text));
}

function unquoted(name: string): string {
  const quote = name[0] ?? '';
  if (quote === '[') return name.slice(1, -1);
  return /["'`]/.test(quote) ? name.slice(1, -1).replaceAll(quote + quote, quote) : name;
}
