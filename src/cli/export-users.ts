import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { readConfig } from '../config/config.ts';
import type { Db } from '../database/database.ts';
import { OperatorError } from '../errors.ts';
import { pagesOfUsers } from '../transfer/export.ts';
import { formatUserRecord, type RecordOptions } from '../transfer/user-record.ts';
import { withDatabase } from './with-database.ts';

export type ExportOptions = { withPasswordHashes?: boolean; withFactors?: boolean };

/**
 * Exports all users to a file, which appears once it is complete, or to standard output for `-`. Returns their number.
 */
export function exportUsersTo(
  file: string,
  { withPasswordHashes = false, withFactors = false }: ExportOptions,
): Promise<number> {
  const factors = withFactors ? { keys: readConfig().encryptionKeys } : null;
  const options = { withPasswordHash: withPasswordHashes, factors };
  return withDatabase(async (database) => {
    const counted = { count: 0 };
    const pages = pagesOfLines(database, options, counted);
    await (file === '-' ? print(pages) : write(pages, file));
    return counted.count;
  });
}

async function* pagesOfLines(db: Db, options: RecordOptions, counted: { count: number }): AsyncGenerator<string> {
  for await (const users of pagesOfUsers(db, options.factors != null)) {
    counted.count += users.length;
    yield users.map((user) => `${formatUserRecord(user, options)}\n`).join('');
  }
}

async function print(pages: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(pages, process.stdout, { end: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE')
      throw new OperatorError('The reader of the export closed it.');
    throw error;
  }
}

/**
 * Writes a partial file beside it and renames that, so that a part is never taken for the whole. Only its owner can
 * read the file.
 */
async function write(pages: AsyncIterable<string>, file: string): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  const handle = await open(partial, 'wx', 0o600).catch((error: Error) => {
    throw new OperatorError(`${file} cannot be written: ${error.message}.`);
  });
  try {
    for await (const page of pages) await handle.write(page);
    await handle.sync();
    await handle.close();
    await rename(partial, file);
  } catch (error) {
    await handle.close();
    await rm(partial, { force: true });
    throw error;
  }
}
