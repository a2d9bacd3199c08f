import { glob, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

/** An import of a file of the same package, at the beginning of a declaration or inside a type. */
const relativeImport = /(\bfrom |\bimport\()(["'])(\.[^"']+)\.ts\2/g;

/** Lets the imports of a declaration file end in `.js`, as every compiler understands them. Returns the files there. */
async function rewriteImports(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll(relativeImport, '$1$2$3.js$2'));
  return [...text.matchAll(relativeImport)].map(([, , , path]) => normalize(join(dirname(file), `${path}.d.ts`)));
}

/**
 * Prepares the declaration files of a folder for a package. tsc writes one for every file that it reads: those that no
 * entry needs are deleted. It also leaves `.ts` in their imports.
 *
 * @param entries - the declaration files to which `exports` leads
 */
export async function prepareDeclarations(folder: string, entries: string[]): Promise<void> {
  const needed = new Set<string>();
  const waiting = entries.map((entry) => normalize(entry));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (needed.has(file)) continue;
    needed.add(file);
    waiting.push(...(await rewriteImports(file)));
  }
  for await (const file of glob(`${folder}/**/*.d.ts`)) {
    if (!needed.has(normalize(file))) await rm(file);
  }
}
