import type { Command } from 'commander';
import { OperatorError } from '../../errors.ts';
import type { ExportOptions } from '../export-users.ts';
import { exitCodes, printFailure } from '../failure.ts';
import type { ImportOptions } from '../import-users.ts';
import { counted, type JsonOption, jsonOption } from '../output.ts';

/** Adds the commands that import and export users. */
export function addTransferCommands(program: Command): void {
  program
    .command('import-users')
    .description(
      'Create a user for each line of a file: a JSON object, as export-users writes it. Existing users stay ' +
        'unchanged. A refused line does not stop the others; the exit code is then 1.',
    )
    .argument('<file>', 'file, or - for standard input')
    .option('--dry-run', 'report the result of each line without importing')
    .option('--report <file>', 'write lines that were refused, or differ from existing users, as JSON Lines')
    .option(...jsonOption)
    .action(async (file: string, options: JsonOption & ImportOptions) => {
      const { importUsersOf } = await import('../import-users.ts');
      if (await importUsersOf(file, options)) return;
      process.exitCode = exitCodes.failed;
      if (options.json) printFailure(new OperatorError('Lines were refused. `--report` writes them to a file.'));
    });
  program
    .command('export-users')
    .description('Write all users, one line of JSON each, as import-users reads them.')
    .argument('[file]', 'file, or - for standard output', '-')
    .option('--with-password-hashes', 'include the hashes of the passwords')
    .option('--with-factors', 'include passkeys, and the secrets of authenticator apps in clear: a reader has them')
    .option('--json', 'print the number of users as JSON, on standard error if standard output is the export itself')
    .action(async (file: string, options: JsonOption & ExportOptions) => {
      const { exportUsersTo } = await import('../export-users.ts');
      const count = await exportUsersTo(file, options);
      const output = options.json
        ? `${JSON.stringify({ exportedUsers: count })}`
        : `Exported ${counted(count, 'user')}.`;
      // Standard output may be the export itself.
      const stream = options.json && file !== '-' ? process.stdout : process.stderr;
      stream.write(`${output}\n`);
    });
}
