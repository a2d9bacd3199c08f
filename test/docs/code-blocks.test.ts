import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

type Block = { language: string; code: string; source: string | null };

/**
 * Returns the code blocks of a page. A comment before a block names its source: `<!-- file: PATH -->`, or
 * `<!-- file: PATH#REGION -->` for the lines between `// #region REGION` and `// #endregion`.
 */
function blocksOf(page: string): Block[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/(?:^<!-- file: (\S+) -->\n+)?^```(\w*)\n(.*?)^```$/gms);
  return [...blocks].map(([, source = null, language = '', code = '']) => ({ language, code, source }));
}

/** Returns a file or a region of it, without the marks of regions and the indentation that all lines share. */
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

describe.each(pages)('the code in %s', (page) => {
  it('is that of the files that it names', () => {
    for (const { code, source } of blocksOf(page)) if (source) expect(code, source).toBe(codeOf(source));
  });

  it('is all in files, apart from commands', () => {
    const others = blocksOf(page).filter(({ source, language }) => source === null && language !== 'sh');
    expect(others.map(({ code }) => code)).toEqual([]);
  });
});

describe('the clients of Apollo and urql', () => {
  it.each(['page.html', 'src/graphql.ts', 'src/operations.ts', 'src/refusals.ts', 'src/tokens.ts', 'src/view.ts'])(
    'have the same %s',
    (file) => {
      const [apollo, urql] = ['apollo', 'urql'].map((name) => readFileSync(`examples/clients/${name}/${file}`, 'utf8'));
      expect(apollo).toBe(urql);
    },
  );
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
