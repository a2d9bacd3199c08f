import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';

/** Many times what applications have. It bounds the memory if the path leads to other files by mistake. */
const limits = { files: 100, bytes: 16 * 1024 * 1024 };

export type ManifestFile = { path: string; content: string };

type FoundFile = { path: string; state: string; size: number };

/**
 * Reads a manifest, or all files with the suffix `.json` directly in a folder. Follows symbolic links, because
 * mounted volumes of Kubernetes consist of them, and skips names that begin with a dot.
 *
 * @throws OperatorError if the files cannot be read, are too large, or there are none.
 */
export async function readManifestFiles(path: string): Promise<ManifestFile[]> {
  try {
    const found = await findFiles(path);
    if (found.length === 0) throw new OperatorError(`The folder ${path} has no file with the suffix .json.`);
    const bytes = found.reduce((sum, { size }) => sum + size, 0);
    if (found.length > limits.files || bytes > limits.bytes) {
      const allowed = `${limits.files} files and ${limits.bytes / 1024 / 1024} MB`;
      throw new OperatorError(`The trusted documents in ${path} are more than ${allowed}.`);
    }
    return await Promise.all(found.map(async (file) => ({ ...file, content: await readFile(file.path, 'utf8') })));
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(`The trusted documents in ${path} cannot be read: ${(error as Error).message}.`);
  }
}

/** Returns a text that changes whenever a file is written or replaced. It tells the cause if one cannot be found. */
export async function stateOfFiles(path: string): Promise<string> {
  try {
    return (await findFiles(path)).map(({ path: file, state }) => `${file} ${state}`).join('\n');
  } catch (error) {
    return (error as Error).message;
  }
}

async function findFiles(path: string): Promise<FoundFile[]> {
  const own = await stat(path);
  if (!own.isDirectory()) return [found(path, own)];
  const names = (await readdir(path)).filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
  const files = await Promise.all(
    names.map(async (name) => ({ path: join(path, name), stats: await stat(join(path, name)) })),
  );
  return files.filter(({ stats }) => stats.isFile()).map(({ path: file, stats }) => found(file, stats));
}

function found(path: string, { ino, mtimeMs, size }: { ino: number; mtimeMs: number; size: number }): FoundFile {
  return { path, state: `${ino} ${mtimeMs} ${size}`, size };
}
