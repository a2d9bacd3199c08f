import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const folders = ['examples/applications', 'examples/clients'].flatMap((parent) =>
  globSync(`${parent}/*/package.json`).map((path) => dirname(path)),
);

/** The path of the schema, which each README says how to change. */
const schemaPath = '../../../schema.graphql';

const generated = /(^|\/)(node_modules|\.next|dist|generated|__generated__)\//;

/** Returns the files of an example with their texts. */
function filesOf(folder: string): { path: string; text: string }[] {
  const paths = globSync(`${folder}/**/*.{ts,tsx,html,css,json}`).filter((path) => !generated.test(path));
  return paths.map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** Returns whether a path, relative to a file, leads out of the folder of an example. */
function leavesFolder(folder: string, file: string, target: string): boolean {
  return relative(folder, join(dirname(file), target)).split(sep)[0] === '..';
}

describe.each(folders)('%s can be copied', (folder) => {
  it('names no file outside its folder, apart from the schema', () => {
    const files = filesOf(folder);
    expect(files.length).toBeGreaterThan(4);
    const outside = files.flatMap(({ path, text }) =>
      [...text.matchAll(/(?<![\w/.-])\.\.?\/[\w./-]*/g)]
        .map(([target]) => target)
        .filter((target) => target !== schemaPath && leavesFolder(folder, path, target))
        .map((target) => `${path}: ${target}`),
    );
    expect(outside).toEqual([]);
  });
});
