/** Checks a root file system before it becomes an image. */
import { glob, lstat, open, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Architecture } from './architecture.ts';
import { run } from './run.ts';

/** In bytes. */
export const maxSize = 200_000_000;

/**
 * Returns the size in bytes.
 *
 * @throws Error if it is too large, if a program or library is for another processor, or if one needs a library that is
 *   not there
 */
export async function checkRoot(root: string, architecture: Architecture): Promise<number> {
  const binaries: string[] = [];
  let size = 0;
  for await (const path of glob('**/*', { cwd: root })) {
    const facts = await lstat(join(root, path));
    if (!facts.isFile()) continue;
    size += facts.size;
    if (await isBinary(join(root, path))) binaries.push(path);
  }
  if (size > maxSize) throw new Error(`The image has ${size} bytes, more than ${maxSize}.`);
  const loader = await stat(join(root, architecture.loader)).catch(() => null);
  if (!loader?.isFile()) throw new Error(`/${architecture.loader} is missing.`);
  for (const path of binaries) await checkBinary(root, path, architecture);
  return size;
}

/** Returns whether a file begins with the magic number of ELF. */
async function isBinary(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === '\x7fELF';
  } finally {
    await file.close();
  }
}

async function checkBinary(root: string, path: string, { machine, libraries }: Architecture): Promise<void> {
  const header = await run('readelf', ['--wide', '--file-header', '--dynamic', join(root, path)]);
  if (!header.includes(machine)) throw new Error(`/${path} is not for ${machine}.`);
  for (const [, needed = ''] of header.matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
    const found = await stat(join(root, libraries, basename(needed))).catch(() => null);
    if (!found) throw new Error(`/${path} needs ${needed}, which is not in /${libraries}.`);
  }
}
