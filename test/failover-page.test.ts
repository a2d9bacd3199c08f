import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/failover.md', 'utf8');
const blocks = [...page.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)].map(([, code]) => code);

/** The files that `npm run check:failover` runs. */
const files = readdirSync('examples/failover', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

describe('docs/failover.md', () => {
  it.each(files)('has the file %s, which npm run check:failover runs, word for word', (file) => {
    expect(blocks).toContain(readFileSync(file, 'utf8'));
  });
});
