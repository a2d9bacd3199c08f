import { lstat, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OperatorError } from '../../../errors.ts';
import type { DatabaseFacts } from '../../dialect.ts';
import { requireOneName } from '../database-files.ts';
import { createPrivate, publish } from './files.ts';
import { copyInto, inspect } from './inspect.ts';

/**
 * Copies a database to a new file, as it is at one moment, also while a server writes to it. The copy appears once it is
 * complete, checked and on the disk. Only its owner can read it. It needs no other file.
 *
 * @throws OperatorError if there is a file by this name, or the database is not healthy
 */
export async function backUpSqlite(file: string, target: string): Promise<DatabaseFacts> {
  requireOneName(file);
  const existing = await lstat(target).catch(() => null);
  if (existing) throw new OperatorError(`${resolve(target)} exists already, and is not overwritten.`);
  const partial = `${target}.${process.pid}.partial`;
  await createPrivate(partial);
  try {
    copyInto(file, partial);
    const facts = inspect(partial);
    await publish(partial, target);
    return facts;
  } finally {
    await rm(partial, { force: true });
  }
}
