import { text } from 'node:stream/consumers';
import askForPassword from '@inquirer/password';
import { OperatorError } from '../errors.ts';

/**
 * A password, typed twice without being shown or, where nobody can type, the first line of standard input.
 * Never from an argument, which every process of the machine can read.
 */
export async function readPassword(question: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).split(/\r?\n/, 1)[0] ?? '';
  try {
    const password = await askForPassword({ message: question });
    const again = await askForPassword({ message: 'Once more:' });
    if (password !== again) throw new OperatorError('The two passwords differ. Nothing was done.');
    return password;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') throw new OperatorError('Nothing was done.');
    throw error;
  }
}
