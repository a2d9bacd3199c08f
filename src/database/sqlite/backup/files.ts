import { chmod, constants, copyFile, link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OperatorError } from '../../../errors.ts';

/** The files that SQLite may have beside a database, by the ends of their names. */
export const besides = ['-wal', '-shm', '-journal'] as const;

/** Returns a new name beside a file, with the current time. */
export function nameBeside(file: string, what: 'replaced' | 'saved'): string {
  return `${file}.${what}-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`;
}

/** Removes a database with the files beside it, as far as they exist. */
export async function removeDatabase(file: string): Promise<void> {
  for (const end of ['', ...besides]) await rm(`${file}${end}`, { force: true });
}

/** Creates an empty file that only its owner may read, whatever the umask. @throws OperatorError if there is a file */
export async function createPrivate(file: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    await handle.close();
    await chmod(file, 0o600);
  } catch (error) {
    throw new OperatorError(`${file} cannot be written: ${(error as Error).message}.`);
  }
}

/**
 * Gives a finished file its final name, and replaces no file that has it. The other name stays.
 *
 * @throws OperatorError if there is such a file
 */
export async function publish(partial: string, file: string): Promise<void> {
  try {
    await link(partial, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error;
      // Not every file system has hard links.
      return copyFile(partial, file, constants.COPYFILE_EXCL);
    });
    await toDisk(file);
  } catch (error) {
    throw new OperatorError(`${file} cannot be written: ${(error as Error).message}.`);
  }
}

/** Waits until a file and its name are on the disk. */
export async function toDisk(file: string): Promise<void> {
  await sync(file);
  // Not every system can open a folder.
  await sync(dirname(file)).catch(() => {});
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
