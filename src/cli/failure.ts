/** The output of commands that fail: a sentence for people, or JSON for programs. */
import { inspect } from 'node:util';
import { InvalidSettingsError, OperatorError, RequestError, UserError } from '../errors.ts';

/** Exit codes: 0 done, 1 refused or failed, 2 invalid usage. */
export const exitCodes = { failed: 1, usage: 2 };

/** True if this command prints JSON. It is known before the arguments are parsed, which may fail. */
export const printsJson = process.argv.includes('--json');

/**
 * Prints on standard error why a command fails. For programs, it is one line: `{"error":{"code":"…","message":"…"}}`.
 * The message of an unexpected error has its stack trace.
 */
export function printFailure(error: unknown, isJson = printsJson): void {
  const isSentence = error instanceof UserError || error instanceof OperatorError;
  if (isJson) printError(codeOf(error), isSentence ? error.message : inspect(error));
  else console.error(isSentence ? error.message : error);
}

/** Prints a usage that is invalid, in the form for programs. */
export function printUsageError(message: string): void {
  printError('INVALID_USAGE', message.replace(/^error: /, '').trimEnd());
}

function printError(code: string, message: string): void {
  process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
}

function codeOf(error: unknown): string {
  if (error instanceof UserError || error instanceof RequestError) return error.code;
  if (error instanceof InvalidSettingsError) return 'INVALID_SETTINGS';
  return error instanceof OperatorError ? 'REFUSED' : 'INTERNAL_ERROR';
}
