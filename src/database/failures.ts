import { isDriverAdapterError } from '@prisma/driver-adapter-utils';
import { Prisma } from '../generated/sqlite/client.ts';
import { type Fault, lostCode } from './faults.ts';

/** Returns the error, with Prisma's code, for a statement after the end of its transaction, which took too long. */
export function transactionIsOver(): Error {
  return Object.assign(new Error('The transaction of this statement is over.'), { code: 'P2028' });
}

/**
 * The codes of each fault: Prisma's, and the SQLSTATE codes of PostgreSQL. Conflicts of transactions are among them,
 * because several attempts came before.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const codes: [Fault, RegExp][] = [
  ['lost', new RegExp(`\\b${lostCode}\\b`)],
  ['read-only', /\b25006\b/],
  ['full', /\b53100\b/],
  ['damaged', /\bXX00[12]\b/],
  ['disk', /\b58(030|P01)\b/],
  ['missing', /\b(P1003|P2021|3D000|42P01)\b/],
  ['exhausted', /\b2200H\b/],
  ['locked', /\b55P03\b/],
  ['unreachable', /\b(P10(00|01|02|08|10|11|17)|P20(24|28|34|37))\b/],
  ['unreachable', /\b(08[0-9A-Z]{3}|28000|28P01|53[0-9A-Z]{3}|57P0[0-9]|57014|25P03|40001|40P01)\b/],
];

/** The messages of each fault: those of SQLite, which Prisma passes on, and those of the driver, which have no code. */
const messages: [Fault, RegExp][] = [
  ['full', /database or disk is full|No space left on device|could not write init file/i],
  ['read-only', /attempt to write a readonly database/i],
  ['damaged', /database disk image is malformed|file is not a database/i],
  ['disk', /disk I\/O error/i],
  ['missing', /^no such table|"no such table/i],
  ['locked', /database (table )?is locked|SQLITE_BUSY/i],
  ['unreachable', /unable to open database file|Connection terminated|timeout exceeded when trying to connect/i],
  ['unreachable', /Query read timeout|Client has encountered a connection error|server closed the connection/i],
  ['unreachable', /ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT/i],
];

/** Codes of the system if the error itself has one. Other errors, such as those of mail, have one as their cause. */
const systemCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** The names that the adapters of Prisma substitute for the codes of the system. */
const kinds: Record<string, Fault> = {
  DatabaseNotReachable: 'unreachable',
  ConnectionClosed: 'unreachable',
  SocketTimeout: 'unreachable',
  TableDoesNotExist: 'missing',
};

/** Returns how the database failed. Null for every other error, such as a bug or a refusal. */
export function faultOf(error: unknown): Fault | null {
  if (!(error instanceof Error)) return null;
  // The code of Prisma or, without Prisma's client, that of PostgreSQL or the system.
  const code = 'code' in error ? String(error.code) : '';
  const meta = metaOf(error);
  const find = (faults: [Fault, RegExp][], text: string) => faults.find(([, pattern]) => pattern.test(text))?.[0];
  const fault = find(codes, `${code} ${meta}`) ?? find(messages, `${error.message} ${code} ${meta}`);
  if (fault === 'read-only' && /is a standby/.test(error.message)) return 'standby';
  if (fault !== undefined) return fault;
  if (systemCodes.has(code)) return 'unreachable';
  return isDriverAdapterError(error) ? (kinds[error.cause.kind] ?? null) : null;
}

/** Returns whether the database failed, so that the same request may well succeed later. */
export function isUnavailable(error: unknown): boolean {
  return faultOf(error) !== null;
}

/** Returns whether two transactions conflicted, so that one of them has to begin anew. */
export function isConflict(error: unknown): boolean {
  if (isDriverAdapterError(error)) return error.cause.kind === 'TransactionWriteConflict';
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  // For a raw query, Prisma passes on PostgreSQL's code: 40001 is a conflict of transactions, 40P01 a deadlock.
  return error.code === 'P2034' || (error.code === 'P2010' && /\b(40001|40P01)\b/.test(error.message));
}

/** Returns the driver's message, which Prisma keeps beside its own. */
function metaOf(error: Error): string {
  const { meta, cause } = error as { meta?: unknown; cause?: unknown };
  return JSON.stringify([meta, cause], (_key, value) =>
    value instanceof Error ? { message: value.message, ...(value as object) } : value,
  );
}
