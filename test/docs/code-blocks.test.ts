import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeBlocksOf } from '../support/code-blocks.ts';

/**
 * Returns a file, or for `PATH#REGION` the lines between `// #region REGION` and `// #endregion`, without the marks of
 * regions and the indentation that all lines share.
 */
function codeOf(source: string): string {
  const [path = '', region] = source.split('#');
  let text = readFileSync(path, 'utf8');
  if (region !== undefined) {
    const [, inside] = new RegExp(`^ *// #region ${region}\n(.*?)^ *// #endregion$`, 'ms').exec(text) ?? [];
    if (inside === undefined) throw new Error(`${path} has no region ${region}.`);
    text = inside;
  }
  text = text.replaceAll(/^ *\/\/ #(?:end)?region.*\n/gm, '');
  const indents = [...text.matchAll(/^( *)\S/gm)].map(([, indent = '']) => indent.length);
  return text.replaceAll(new RegExp(`^ {${Math.min(...indents)}}`, 'gm'), '');
}

/** The pages with code of files. All their code but commands has a file, and a check runs or compiles that. */
const pages = readdirSync('docs')
  .map((name) => join('docs', name))
  .filter((page) => readFileSync(page, 'utf8').includes('<!-- file: '));

describe('pages with code of files', () => {
  it('are found by the comments before the code', () => expect(pages).toContain('docs/clients.md'));
});

describe.each(pages)('the code in %s', (page) => {
  const blocks = codeBlocksOf(readFileSync(page, 'utf8'));

  it('is that of the files that it names', () => {
    for (const { code, source } of blocks) if (source) expect(code, source).toBe(codeOf(source));
  });

  it('is all in files, apart from commands', () => {
    const others = blocks.filter(({ source, language }) => source === null && language !== 'sh');
    expect(others.map(({ code }) => code)).toEqual([]);
  });
});

describe('the clients of Apollo and urql', () => {
  it.each([
    'page.html',
    'src/code-form.tsx',
    'src/graphql.ts',
    'src/operations.ts',
    'src/refusals.ts',
    'src/steps.ts',
    'src/tokens.ts',
    'src/view.ts',
  ])('have the same %s', (file) => {
    const [apollo, urql] = ['apollo', 'urql'].map((name) => readFileSync(`examples/clients/${name}/${file}`, 'utf8'));
    expect(apollo).toBe(urql);
  });
});

describe.each(['apollo', 'urql'])('the page of %s', (name) => {
  it('is bundled by the command of the README, with the version of the check', () => {
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
    const [, args = ''] = /const args = \[(.*)\];/.exec(readFileSync('scripts/clients/pages.ts', 'utf8')) ?? [];
    const command = `npx rolldown@${devDependencies.rolldown} ${args.replaceAll(/[',]/g, '')}\n`;
    expect(readFileSync(`examples/clients/${name}/README.md`, 'utf8')).toContain(command);
  });
});

describe('the clients of gql.tada and React Native', () => {
  it.each(['src/devices.ts', 'src/graphql.ts'])('have the same %s', (file) => {
    const [tada, phone] = ['gql-tada', 'react-native'].map((name) =>
      readFileSync(`examples/clients/${name}/${file}`, 'utf8'),
    );
    expect(tada).toBe(phone);
  });
});
