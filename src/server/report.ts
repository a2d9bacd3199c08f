import { OperatorNotice } from '../errors.ts';

/** Prints an unexpected error with its stack trace, and a notice for the operator as one line. */
export function printReport(error: unknown): void {
  console.error(error instanceof OperatorNotice ? error.message : error);
}
