/** The schema of Blitz.js' authentication: the common part of its versions, and their differences. */
import { Prisma } from '../../generated/sqlite/client.ts';
import type { AdoptedTable, Column, Index } from './source.ts';

/** The first migrations of this server's history. Blitz.js databases have them under other names. */
export const sharedMigrations: readonly string[] = [
  '20200627163756_users_and_sessions',
  '20200704181258_nullable_session_columns',
];

/** The columns of the second migration, the kind of their values, and whether a row must have a value. */
export const blitzColumns: Record<
  AdoptedTable,
  Record<string, { holds: Exclude<Column['holds'], 'other'>; isRequired: boolean }>
> = {
  User: {
    id: { holds: 'number', isRequired: true },
    createdAt: { holds: 'time', isRequired: true },
    updatedAt: { holds: 'time', isRequired: true },
    name: { holds: 'text', isRequired: false },
    email: { holds: 'text', isRequired: true },
    hashedPassword: { holds: 'text', isRequired: false },
    role: { holds: 'text', isRequired: true },
  },
  Session: {
    id: { holds: 'number', isRequired: true },
    createdAt: { holds: 'time', isRequired: true },
    updatedAt: { holds: 'time', isRequired: true },
    expiresAt: { holds: 'time', isRequired: true },
    handle: { holds: 'text', isRequired: true },
    userId: { holds: 'number', isRequired: false },
    hashedSessionToken: { holds: 'text', isRequired: false },
    antiCSRFToken: { holds: 'text', isRequired: false },
    publicData: { holds: 'text', isRequired: false },
    privateData: { holds: 'text', isRequired: false },
  },
};

/** Columns that real applications did without. They are added. */
export const optionalColumns: readonly string[] = ['name', 'publicData', 'privateData'];

/** The columns of `User` and `Session` that only this server has. */
export const ownColumns: Record<AdoptedTable, string[]> = {
  User: Object.keys(Prisma.UserScalarFieldEnum).filter((name) => !(name in blitzColumns.User)),
  Session: Object.keys(Prisma.SessionScalarFieldEnum).filter((name) => !(name in blitzColumns.Session)),
};

/** The tables that only this server has. */
export const ownTables: string[] = Object.keys(Prisma.ModelName).filter((name) => !(name in blitzColumns));

export type Shape = {
  tables: ReadonlyMap<string, number>;
  columns: Record<AdoptedTable, Column[]>;
  indexes: Record<AdoptedTable, Index[]>;
};

/**
 * Returns the migration of Blitz.js' example application that a database is at, as far as its schema shows, newest
 * first.
 */
export function blitzVersionOf({ tables, columns, indexes }: Shape): string {
  const isNullable = (table: AdoptedTable, name: string) =>
    columns[table].some((column) => column.name === name && column.isNullable);
  if (indexes.Session.some(({ name }) => name === 'Session_handle_key')) return '20220330155417';
  if (tables.has('Token')) return '20210204235014';
  if (tables.has('_prisma_migrations')) return '20201214220426';
  if (isNullable('User', 'hashedPassword')) return '20200711145940';
  if (isNullable('Session', 'expiresAt')) return '20200704181305';
  return isNullable('Session', 'userId') ? '20200704181258' : '20200627163756';
}
