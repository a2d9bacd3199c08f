import { once } from 'node:events';
import { createReadStream, type ReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { readConfig } from '../config/config.ts';
import { databaseExists } from '../database/database.ts';
import { OperatorError } from '../errors.ts';
import { dryRunImport, type ImportBatch, type ImportOutcome, importUsers } from '../transfer/import.ts';
import { importInTurns } from '../transfer/import-batch.ts';
import { readLines } from './lines.ts';
import { counted, type JsonOption, sayResult } from './output.ts';
import { noProgress, openProgress, type Progress } from './progress.ts';
import { withDatabase } from './with-database.ts';

export type ImportOptions = JsonOption & { dryRun?: boolean; report?: string };

type Counts = Record<ImportOutcome['kind'] | 'different', number>;

/** Imports the users of a file, or of standard input for `-`. Returns whether every line was accepted. */
export async function importUsersOf(file: string, options: ImportOptions): Promise<boolean> {
  const { dryRun = false, report, json } = options;
  const input = file === '-' ? process.stdin : await openFile(file);
  const reportFile = report === undefined ? null : await openReport(report);
  const progress = json ? noProgress : openProgress(file === '-' ? null : (await stat(file)).size);
  const counts: Counts = { imported: 0, present: 0, different: 0, refused: 0 };
  try {
    await withImporter(dryRun, async (importer) => {
      for await (const outcome of importUsers(readLines(countBytes(input, progress)), importer)) {
        counts[outcome.kind] += 1;
        await reportOutcome(outcome, counts, progress, reportFile);
      }
    });
  } finally {
    progress.stop();
    await reportFile?.close();
    sayResult({ ...counts, isDryRun: dryRun }, options, summary(counts, dryRun));
  }
  return counts.refused === 0;
}

/** Opens the importer. An import creates a missing database; a dry run does not. */
async function withImporter(dryRun: boolean, act: (importer: ImportBatch) => Promise<void>): Promise<void> {
  const { databaseUrl, encryptionKeys: keys } = readConfig();
  if (!dryRun) return withDatabase((database, clock) => act(importInTurns(database, clock, keys)), { isCreated: true });
  if (!(await databaseExists(databaseUrl))) return act(dryRunImport(null, keys));
  return withDatabase((database) => act(dryRunImport(database, keys)));
}

async function reportOutcome(outcome: ImportOutcome, counts: Counts, progress: Progress, report: FileHandle | null) {
  const { line, kind } = outcome;
  if (kind === 'imported' || (kind === 'present' && outcome.differs.length === 0)) return;
  if (kind === 'refused') {
    progress.note(`Line ${line}: ${outcome.reason}`);
    await report?.write(`${JSON.stringify({ line, refused: outcome.reason })}\n`);
  } else {
    counts.different += 1;
    progress.note(
      `Line ${line}: the user exists and stays unchanged. Different fields: ${outcome.differs.join(', ')}.`,
    );
    await report?.write(`${JSON.stringify({ line, differs: outcome.differs })}\n`);
  }
}

function summary({ imported, present, different, refused }: Counts, dryRun: boolean): string {
  const users = `${dryRun ? 'Would import' : 'Imported'} ${counted(imported, 'user')}.`;
  const differing = different === 0 ? '' : `, ${different} of them different`;
  return `${users} ${present} existed already${differing}. ${refused} ${refused === 1 ? 'line was' : 'lines were'} refused.`;
}

async function* countBytes(input: AsyncIterable<Buffer>, progress: Progress): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of input) {
    yield chunk;
    bytes += chunk.length;
    progress.update(bytes);
  }
}

async function openFile(file: string): Promise<ReadStream> {
  const stream = createReadStream(file);
  try {
    await once(stream, 'ready');
    return stream;
  } catch (error) {
    throw new OperatorError(`${file} cannot be read: ${(error as Error).message}.`);
  }
}

async function openReport(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'w', 0o600);
  } catch (error) {
    throw new OperatorError(`${file} cannot be written: ${(error as Error).message}.`);
  }
}
