import type pg from 'pg';
import { adoptedTables, type Column, quoted, type Row, type Source } from '../source.ts';

/** Restricts the catalog to the schema of unqualified names. */
const inSchema = 'n."nspname" = current_schema()';

export function postgresqlSource(client: Pick<pg.ClientBase, 'query'>): Source {
  const query = async (sql: string): Promise<Row[]> => (await client.query(sql)).rows;
  return {
    kind: 'postgresql',
    query,
    async tables() {
      const rows = await query(
        `SELECT c."relname" AS "name" FROM pg_class c JOIN pg_namespace n ON n."oid" = c."relnamespace"
           WHERE ${inSchema} AND c."relkind" IN ('r', 'p') ORDER BY 1`,
      );
      return rows.map(({ name }) => String(name));
    },
    async columns(table) {
      const rows = await query(
        `SELECT a."attname" AS "name", format_type(a."atttypid", a."atttypmod") AS "type",
             NOT a."attnotnull" AS "isNullable", t."typtype" = 'e' AS "isEnum"
           FROM pg_attribute a JOIN pg_type t ON t."oid" = a."atttypid"
           WHERE a."attrelid" = '${quoted(table)}'::regclass AND a."attnum" > 0 AND NOT a."attisdropped"
           ORDER BY a."attnum"`,
      );
      return rows.map(({ name, type, isNullable, isEnum }) => ({
        name: String(name),
        type: String(type),
        isNullable: isNullable === true,
        holds: isEnum ? 'text' : whatHolds(String(type)),
      }));
    },
    async indexes(table) {
      const rows = await query(
        `SELECT c."relname" AS "name", i."indisunique" AS "isUnique", ARRAY(
             SELECT coalesce(a."attname"::text, '(expression)') FROM unnest(i."indkey"::int2[]) WITH ORDINALITY k("number", "at")
               LEFT JOIN pg_attribute a ON a."attrelid" = i."indrelid" AND a."attnum" = k."number" ORDER BY k."at"
           ) AS "columns"
           FROM pg_index i JOIN pg_class c ON c."oid" = i."indexrelid"
           WHERE i."indrelid" = '${quoted(table)}'::regclass AND i."indpred" IS NULL AND NOT i."indisprimary"`,
      );
      return rows as { name: string; isUnique: boolean; columns: string[] }[];
    },
    async countsIds() {
      const rows = await query(
        `SELECT 1 FROM pg_attribute a LEFT JOIN pg_attrdef d ON d."adrelid" = a."attrelid" AND d."adnum" = a."attnum"
           WHERE a."attrelid" IN (${adoptedTables.map((table) => `'${quoted(table)}'::regclass`).join(', ')})
             AND a."attname" = 'id' AND (a."attidentity" <> '' OR pg_get_expr(d."adbin", d."adrelid") LIKE 'nextval(%')`,
      );
      return rows.length === adoptedTables.length;
    },
    // An infinite time, or one that JavaScript cannot read, does not count as a time.
    time: (column) => `CASE WHEN ${column} BETWEEN '0001-01-01' AND '9999-12-31' THEN ${column} END`,
    countTextTimes: async () => 0,
    literal: (moment) => `'${moment.toISOString().replace('Z', '')}'::timestamp(3)`,
  };
}

function whatHolds(type: string): Column['holds'] {
  if (/^(timestamp|date\b)/.test(type)) return 'time';
  if (type === 'integer' || type === 'bigint') return 'number';
  return /^(text|citext|character)/.test(type) ? 'text' : 'other';
}
