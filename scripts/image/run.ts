import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeMissing } from '../checks/processes.ts';

/**
 * Runs a program, and returns its standard output.
 *
 * @throws Error that names the Debian package of a missing program, or has the output of a failed one
 */
export async function run(command: string, args: string[], options: { cwd?: string } = {}): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { ...options, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (code === 'ENOENT') {
      throw new Error(describeMissing({ command, debianPackage: command === 'readelf' ? 'binutils' : command }));
    }
    throw new Error(`${[command, ...args].join(' ')} has failed.\n${stdout}${stderr}`, { cause: error });
  }
}
