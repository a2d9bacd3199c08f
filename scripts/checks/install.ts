/** The packages of the examples, which are too large for the development dependencies. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** In milliseconds. Without a registry, npm tries for longer than this. */
const timeoutMs = 300_000;

/**
 * Installs the packages of the lock file, without install scripts, unless they are installed already. Returns whether it
 * did.
 *
 * @throws Error with the output of npm
 */
export async function installPackages(folder: string): Promise<boolean> {
  const marker = join(folder, 'node_modules/.installed-lock.json');
  const lock = await readFile(join(folder, 'package-lock.json'), 'utf8');
  if ((await readFile(marker, 'utf8').catch(() => null)) === lock) return false;
  const args = ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await promisify(execFile)('npm', args, { cwd: folder, timeout: timeoutMs });
  await writeFile(marker, lock);
  return true;
}
