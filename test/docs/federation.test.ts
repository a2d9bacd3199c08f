import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { composerPackages } from '../../scripts/federation/composition.ts';
import { codeBlocksOf, filesIn } from '../support/code-blocks.ts';

const page = readFileSync('docs/federation.md', 'utf8');

const files = filesIn('examples/federation');

/** The files that `npm run check:federation` does not use. */
const notRun = files.filter((file) => /apollo-router|cosmo/.test(file));

const blocks = codeBlocksOf(page);

describe('docs/federation.md', () => {
  it('consists of the files of examples/federation, word for word, and of commands', () => {
    const codes = blocks.filter(({ language }) => language !== 'sh').map(({ code }) => code);
    expect(codes.sort()).toEqual(files.map((file) => readFileSync(file, 'utf8')).sort());
  });

  it('says of the files that were not run that they were not', () => {
    expect(notRun).toHaveLength(4);
    for (const file of files) {
      const code = readFileSync(file, 'utf8');
      const { before = '' } = blocks.find((block) => block.code === code) ?? {};
      expect({ file, isSaid: before.includes('was not run here') }).toEqual({ file, isSaid: notRun.includes(file) });
    }
  });

  it('has YAML that can be parsed', () => {
    const yaml = files.filter((file) => file.endsWith('.yaml'));
    expect(yaml).toHaveLength(3);
    for (const file of yaml) expect(parse(readFileSync(file, 'utf8'))).toBeTypeOf('object');
  });

  it('names the versions that the check installs', () => {
    const { dependencies } = JSON.parse(readFileSync('examples/federation/package.json', 'utf8'));
    const versions: Record<string, string> = { ...dependencies, ...composerPackages };
    const names = {
      Apollo: '@apollo/composition',
      'The Guild': '@theguild/federation-composition',
      WunderGraph: '@wundergraph/composition',
      'Hive Gateway': '@graphql-hive/gateway',
    };
    for (const [name, packageName] of Object.entries(names)) {
      const [major, minor] = versions[packageName]?.split('.') ?? [];
      expect(page).toContain(`${name} ${major}.${minor}`);
    }
  });
});
