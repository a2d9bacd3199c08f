import { describe, expect, it } from 'vitest';
import {
  columnNameOf,
  foreignKeyOf,
  parseTable,
  printTable,
  withType,
} from '../../../src/blitz/adopt/sqlite/table-sql.ts';

const sql = `CREATE TABLE "Session" (
"a,b" TEXT DEFAULT 'x,(y', -- and, so on
[c] DATE NOT NULL DEFAULT CURRENT_TIMESTAMP, /* ( */ \`d\` VARCHAR(20) CHECK (d IS NOT NULL OR "c" IN (1, 2)) NOT NULL
, CONSTRAINT "key" FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE CASCADE, UNIQUE ("a,b", c)) STRICT`;

describe('CREATE TABLE statement', () => {
  it('stays the same after parsing and formatting', () => {
    expect(printTable(parseTable(sql))).toBe(sql);
  });

  it('has columns and constraints', () => {
    const { elements } = parseTable(sql);
    expect(elements.map(columnNameOf)).toEqual(['a,b', 'c', 'd', null, null]);
    expect(elements.map(foreignKeyOf)).toEqual([null, null, null, ['userId'], null]);
  });

  it.each([
    ['"c" DATE', false, '"c" DATETIME NOT NULL'],
    ['"c" DATE NOT NULL', true, '"c" DATETIME '],
    ['\n"c" DATE NOT NULL  ', false, '\n"c" DATETIME NOT NULL '],
    ['"c" DATE NOT NULL DEFAULT CURRENT_TIMESTAMP', false, '"c" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP'],
    ['"c" DATE NOT NULL ON CONFLICT ABORT DEFAULT 1', true, '"c" DATETIME DEFAULT 1'],
    [
      '"c" DATE NOT NULL REFERENCES "d"("e") ON DELETE SET NULL ON UPDATE SET NULL',
      true,
      '"c" DATETIME REFERENCES "d"("e") ON DELETE SET NULL ON UPDATE SET NULL',
    ],
    ['"c" DEFAULT NULL', true, '"c" DATETIME DEFAULT NULL'],
    ['"c" VARCHAR(20) CHECK ("c" IS NOT NULL)', true, '"c" DATETIME CHECK ("c" IS NOT NULL)'],
    ['-- a comment\n"c" DATE -- another\n', true, '-- a comment\n"c" DATETIME -- another\n'],
  ])('gives %j another type', (element, isNullable, expected) => {
    expect(withType(element, 'DATETIME', isNullable)).toBe(expected);
  });
});
