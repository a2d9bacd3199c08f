import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createVerifier } from '../../src/verify/verifier.ts';

const page = readFileSync('docs/verify.md', 'utf8');
const examples = readdirSync('test/verify/examples');

describe('docs/verify.md', () => {
  it.each(examples)('has the example %s, which the tests run, word for word', (file) => {
    expect(page).toContain(`\`\`\`ts\n${readFileSync(`test/verify/examples/${file}`, 'utf8')}\`\`\``);
  });

  it('names every option, and the defaults that are numbers', () => {
    const source = readFileSync('src/verify/verifier.ts', 'utf8');
    const [, options = ''] = /export type VerifierOptions = \{([\s\S]*?)\n\};/.exec(source) ?? [];
    const names = [...options.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    expect(source).toContain('timeoutMs = 1_000');
    expect(page).toContain('| `timeoutMs` | 1,000 |');
  });
});

/** Returns the examples in the docstrings of a file, without the decoration of comments. */
function examplesIn(file: string): string[] {
  const blocks = readFileSync(file, 'utf8').matchAll(/@example\n([\s\S]*?)\n *\*\//g);
  return [...blocks].map(([, block = '']) => block.replace(/^ *\* ?/gm, ''));
}

describe('examples in docstrings', () => {
  it('run, for the verifier', async () => {
    const [verifying = '', creating = '', ...others] = examplesIn('src/verify/verifier.ts');
    expect(others).toEqual([]);
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
    const run = new AsyncFunction('createVerifier', 'process', 'request', `${creating}\n${verifying}`);
    const environment = { env: { CLIENT_ID: 'id', CLIENT_SECRET: 'secret' } };
    const response: Response = await run(createVerifier, environment, new Request('https://app.example'));
    expect([response.status, await response.text()]).toEqual([401, 'Sign in first.']);
  });

  it('are lines of the page, for the adapters and the forwarder', () => {
    const adapters = readdirSync('src/verify/adapters').map((file) => `src/verify/adapters/${file}`);
    const files = [...adapters, 'src/verify/forwarder.ts'];
    const lines = files.flatMap(examplesIn).flatMap((block) => block.split('\n'));
    expect(lines.length).toBeGreaterThan(6);
    expect(lines.filter((line) => !page.includes(line.replace('const yoga', 'yoga')))).toEqual([]);
  });
});
