import { isDriverAdapterError } from '@prisma/driver-adapter-utils';
import { Prisma } from '../generated/sqlite/client.ts';

/**
 * Prisma's codes for a database that cannot be reached, is too busy, went away or did not answer in time, and for
 * conflicts that remained after several attempts.
 */
const unavailable = new Set(['P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']);

/** The same failures without Prisma's client, by the names that its driver substitutes for the system's message. */
const unavailableKinds = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout']);

/** Returns the error, with Prisma's code, for a statement after the end of its transaction, which took too long. */
export function transactionIsOver(): Error {
  return Object.assign(new Error('The transaction of this statement is over.'), { code: 'P2028' });
}

/** The driver's messages, which have no code, for a connection that breaks or is not available in time. */
const brokenConnection =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|server closed the connection|ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT/i;

/**
 * SQLSTATE codes of PostgreSQL for "cannot connect", "out of resources", "shutting down", a cancellation by a timeout,
 * and conflicts.
 */
const unavailableStates = /\b(08[0-9A-Z]{3}|53[0-9A-Z]{3}|57P0[0-9]|57014|55P03|25P03|40001|40P01)\b/;

/** SQLite's "disk full", "cannot open", "I/O error" and "busy", in the words that Prisma passes on. */
const unavailableFile = /database or disk is full|disk I\/O error|database is locked|unable to open database file/i;

/** Returns whether the database failed, so that the same request may well succeed later. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // The code of Prisma or, without Prisma's client, that of PostgreSQL or the system.
  const code = 'code' in error ? String(error.code) : '';
  if (unavailable.has(code)) return true;
  if (isDriverAdapterError(error) && unavailableKinds.has(error.cause.kind)) return true;
  const told = `${error.message} ${metaOf(error)}`;
  const states = `${code} ${metaOf(error)}`;
  return brokenConnection.test(`${code} ${told}`) || unavailableStates.test(states) || unavailableFile.test(told);
}

/** Returns whether two transactions conflicted, so that one of them has to begin anew. */
export function isConflict(error: unknown): boolean {
  if (isDriverAdapterError(error)) return error.cause.kind === 'TransactionWriteConflict';
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  // For a raw query, Prisma passes on PostgreSQL's code: 40001 is a conflict of transactions, 40P01 a deadlock.
  return error.code === 'P2034' || (error.code === 'P2010' && /\b(40001|40P01)\b/.test(error.message));
}

/** Returns whether PostgreSQL refused a statement only because an earlier one of the transaction had failed. */
export function isConsequence(error: unknown): boolean {
  return isDriverAdapterError(error) && error.cause.originalCode === '25P02';
}

/** Returns the driver's message, which Prisma keeps beside its own. */
function metaOf(error: Error): string {
  const { meta, cause } = error as { meta?: unknown; cause?: unknown };
  return JSON.stringify([meta, cause], (_key, value) =>
    value instanceof Error ? { message: value.message, ...(value as object) } : value,
  );
}
