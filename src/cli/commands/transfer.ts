import type { Command } from 'commander';
import type { ExportOptions } from '../export-users.ts';
import { exitCodes } from '../failure.ts';
import type { ImportOptions } from '../import-users.ts';
import { counted } from '../output.ts';

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
    .action(async (file: string, options: ImportOptions) => {
      const { importUsersOf } = await import('../import-users.ts');
      if (!(await importUsersOf(file, options))) process.exitCode = exitCodes.failed;
    });
  program
    .command('export-users')
    .description('Write all users, one line of JSON each, as import-users reads them.')
    .argument('[file]', 'file, or - for standard output', '-')
    .option('--with-password-hashes', 'include the hashes of the passwords')
    .action(async (file: string, options: ExportOptions) => {
      const { exportUsersTo } = await import('../export-users.ts');
      const count = await exportUsersTo(file, options);
      // Standard output may be the export itself.
      process.stderr.write(`Exported ${counted(count, 'user')}.\n`);
    });
}
