import { isDriverAdapterError } from '@prisma/driver-adapter-utils';
import { Prisma } from '../generated/sqlite/client.ts';

/**
 * Prisma's codes for a database that cannot be reached, is too busy, went away, or did not answer in time, and for
 * conflicts, where trying again some times was not enough.
 */
const unavailable = new Set(['P1001', 'P1002', 'P1008', 'P1011', 'P1017', 'P2024', 'P2028', 'P2034', 'P2037']);

/** The same where Prisma's driver, past its client, has put a name in place of what the system said. */
const unavailableKinds = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout']);

/** What a statement is told that comes after the end of its transaction, which took too long: with Prisma's code. */
export function transactionIsOver(): Error {
  return Object.assign(new Error('The transaction of this statement is over.'), { code: 'P2028' });
}

/** What the driver says, without any code, when a connection breaks or is not to be had in time. */
const brokenConnection =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|server closed the connection|ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT/i;

/** PostgreSQL's classes of "cannot connect", "out of resources", "shutting down", of what a timeout cancelled, conflicts. */
const unavailableStates = /\b(08[0-9A-Z]{3}|53[0-9A-Z]{3}|57P0[0-9]|57014|55P03|25P03|40001|40P01)\b/;

/** SQLite's "disk full", "cannot open", "I/O error" and "busy", by the words in which Prisma passes them on. */
const unavailableFile = /database or disk is full|disk I\/O error|database is locked|unable to open database file/i;

/** Whether it is the database that failed, and the same request may well succeed later. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Prisma's own code, or what the driver says past Prisma: PostgreSQL's code, or the system's.
  const code = 'code' in error ? String(error.code) : '';
  if (unavailable.has(code)) return true;
  if (isDriverAdapterError(error) && unavailableKinds.has(error.cause.kind)) return true;
  const told = `${error.message} ${metaOf(error)}`;
  const states = `${code} ${metaOf(error)}`;
  return brokenConnection.test(`${code} ${told}`) || unavailableStates.test(states) || unavailableFile.test(told);
}

/** Whether two transactions were in each other's way, so that one of them has to begin anew. */
export function isConflict(error: unknown): boolean {
  if (isDriverAdapterError(error)) return error.cause.kind === 'TransactionWriteConflict';
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  // Of a raw query Prisma passes PostgreSQL's code on: a conflict of transactions, or a deadlock.
  return error.code === 'P2034' || (error.code === 'P2010' && /\b(40001|40P01)\b/.test(error.message));
}

/** Whether PostgreSQL refused something only because what came before it in the transaction had failed. */
export function isConsequence(error: unknown): boolean {
  return isDriverAdapterError(error) && error.cause.originalCode === '25P02';
}

/** What the driver said, which Prisma keeps beside its own message. */
function metaOf(error: Error): string {
  const { meta, cause } = error as { meta?: unknown; cause?: unknown };
  return JSON.stringify([meta, cause], (_key, value) =>
    value instanceof Error ? { message: value.message, ...(value as object) } : value,
  );
}
