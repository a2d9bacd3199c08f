import { existsSync, readFileSync } from 'node:fs';

/** A test file that a page names, with the names in quotes that follow it before the next one. */
export type NamedTests = { file: string; names: string[] };

/** Returns the test files that a page names: `` `test/a.test.ts`, "a name"; "another name" ``. */
export function testsNamedIn(page: string): NamedTests[] {
  return [...page.matchAll(/`(test\/[\w/.-]+\.test\.ts)`((?:[,;] "[^"\n]+")*)/g)].map(([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  }));
}

/** Returns the named files that do not exist, and the names that are in no title of their file. */
export function missingTests(named: NamedTests[]): string[] {
  return named.flatMap(({ file, names }) => {
    if (!existsSync(file)) return [file];
    const titles = titlesIn(readFileSync(file, 'utf8'));
    return names.filter((name) => !titles.some((title) => title.includes(name))).map((name) => `${file}: ${name}`);
  });
}

/** Returns the titles of the tests and groups of a file. A title may stand on a line of its own. */
function titlesIn(text: string): string[] {
  const calls = /\b(?:describe|it)(?:\.\w+)?(?:<[^\n]*>)?\(\s*(['`])((?:\\.|(?!\1).)*)\1/g;
  const each = /\)\(\s*(['`])((?:\\.|(?!\1).)*)\1/g;
  return [...text.matchAll(calls), ...text.matchAll(each)].map(([, , title = '']) => title.replaceAll(/\\(.)/g, '$1'));
}
