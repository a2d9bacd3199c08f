import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeBlocksOf, filesIn } from './support/code-blocks.ts';

const page = readFileSync('docs/failover.md', 'utf8');
const blocks = codeBlocksOf(page).map(({ code }) => code);

/** The files that `npm run check:failover` runs. */
const files = filesIn('examples/failover');

describe('docs/failover.md', () => {
  it.each(files)('has the file %s, which npm run check:failover runs, word for word', (file) => {
    expect(blocks).toContain(readFileSync(file, 'utf8'));
  });
});
