import { text } from 'node:stream/consumers';
import askForPassword from '@inquirer/password';
import { OperatorError } from '../errors.ts';

/** Standard output has the result only. */
const toStandardError = { output: process.stderr };

/**
 * Reads a password: typed twice without echo or, if standard input is not a terminal, from its first line. Never from
 * an argument, which every process of the machine can read.
 */
export async function readPassword(question: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).split(/\r?\n/, 1)[0] ?? '';
  try {
    const password = await askForPassword({ message: question }, toStandardError);
    const again = await askForPassword({ message: 'Repeat the password:' }, toStandardError);
    if (password !== again) throw new OperatorError('The two passwords differ. Nothing was done.');
    return password;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError')
      throw new OperatorError('Cancelled. Nothing was done.');
    throw error;
  }
}
