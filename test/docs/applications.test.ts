import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { codeBlocksOf, filesIn } from '../support/code-blocks.ts';

const root = 'examples/applications';

/** Returns the source files of an application. */
function sourcesOf(name: string): string[] {
  return filesIn(`${root}/${name}`)
    .filter((path) => /\.tsx?$/.test(path) && !/\/(node_modules|\.next|dist)\//.test(path))
    .map((path) => readFileSync(path, 'utf8'));
}

describe.each([
  ['docs/next.md', 'next'],
  ['docs/spa.md', 'spa'],
  ['docs/verify.md', 'next'],
])('%s', (page, application) => {
  it(`has code of examples/applications/${application} only, word for word`, () => {
    const text = readFileSync(page, 'utf8');
    const [, section = ''] =
      page === 'docs/verify.md' ? (/\n## Next\.js\n([\s\S]*?)\n## /.exec(text) ?? []) : ['', text];
    const blocks = codeBlocksOf(section).filter(({ language }) => /^tsx?$/.test(language));
    expect(blocks.length).toBeGreaterThan(2);
    const sources = sourcesOf(application);
    const isCopied = (code: string) => sources.some((source) => unindented(source).includes(unindented(code)));
    expect(blocks.map(({ code }) => code).filter((code) => !isCopied(code))).toEqual([]);
  });
});

/** Returns a text without the indentation of its lines, which a page may leave out. */
function unindented(text: string): string {
  return text.replace(/^ +/gm, '');
}

describe('the applications', () => {
  it('have the same style sheet', () => {
    const styles = ['next/app/style.css', 'spa/src/style.css'].map((path) => readFileSync(`${root}/${path}`, 'utf8'));
    expect(styles[0]).toBe(styles[1]);
  });
});

describe.each(['next', 'spa'])('examples/applications/%s', (name) => {
  it('sends operations that are valid', () => {
    const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
    const texts = sourcesOf(name).flatMap((source) => [...source.matchAll(/\/\* GraphQL \*\/ `([\s\S]*?)`/g)]);
    const documents = texts.map(([, text = '']) => text);
    const fragments = documents.find((text) => text.includes('fragment SignInFields')) ?? '';
    const operations = documents.filter((text) => /^\s*(query|mutation)/.test(text));
    expect(operations.length).toBeGreaterThan(4);
    const problems = operations.flatMap((text) =>
      validate(schema, parse(text.replace(/\$\{signInFields\}/, fragments))).map(({ message }) => message),
    );
    expect(problems).toEqual([]);
  });
});
