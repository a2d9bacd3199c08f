/** Packages of npm that are too large for the development dependencies. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** Without install scripts. */
const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** In milliseconds. An installation takes one minute. Without a registry, npm tries for longer than this. */
const timeoutMs = 300_000;

/**
 * Installs packages into a folder of their own below node_modules/.cache, and returns its node_modules. Later runs find
 * them there.
 *
 * @param packages - the version of each package
 * @throws Error with a sentence, and with the output of npm
 */
export async function installPackages(name: string, packages: Record<string, string>): Promise<string> {
  const folder = resolve('node_modules/.cache/checks', name);
  const marker = join(folder, 'installed.json');
  const wanted = JSON.stringify({ private: true, dependencies: packages });
  if ((await readFile(marker, 'utf8').catch(() => null)) !== wanted) {
    const list = Object.entries(packages).map(([one, version]) => `${one}@${version}`);
    console.log(`  npm install ${list.join(' ')}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), wanted);
    await promisify(execFile)('npm', ['install', ...options], { cwd: folder, timeout: timeoutMs }).catch(
      (error: Error) => {
        throw new Error(`npm could not install ${list.join(' and ')}. ${error.message}`, { cause: error });
      },
    );
    await writeFile(marker, wanted);
  }
  return join(folder, 'node_modules');
}

/**
 * Installs the packages of the lock file of a folder into it, unless they are installed already.
 *
 * @throws Error with the output of npm
 */
export async function installLockedPackages(folder: string): Promise<void> {
  const marker = join(folder, 'node_modules/.installed-lock.json');
  const lock = await readFile(join(folder, 'package-lock.json'), 'utf8');
  if ((await readFile(marker, 'utf8').catch(() => null)) === lock) return;
  const args = ['ci', '--prefer-offline', ...options];
  await promisify(execFile)('npm', args, { cwd: folder, timeout: timeoutMs });
  await writeFile(marker, lock);
}
