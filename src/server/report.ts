import { OperatorError, OperatorNotice } from '../errors.ts';

/** Prints an unexpected error with its stack trace, and one for the operator as its sentence. */
export function printReport(error: unknown): void {
  const isSentence = error instanceof OperatorNotice || error instanceof OperatorError;
  console.error(isSentence ? error.message : error);
}
