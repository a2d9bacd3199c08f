import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { maxLines, maxNameLength, maxTokens } from '../src/graphql/documents/document-limits.ts';
import { maxRunning, maxWaiting } from '../src/http/batch-per-tick.ts';
import { maxBodyBytes } from '../src/http/body.ts';
import { maxHeldBytes, maxPipelined } from '../src/http/connections.ts';
import { missingTests, testsNamedIn } from './support/named-tests.ts';

const page = readFileSync('docs/security.md', 'utf8');

describe('docs/security.md', () => {
  it('names tests that exist, by their titles', () => {
    const named = testsNamedIn(page);
    expect(named.length).toBeGreaterThan(50);
    expect(missingTests(named)).toEqual([]);
  });

  it('has every row of ASVS chapter V7 of levels 1 and 2, or says that it is left out', () => {
    const chapter = { '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 2, '7.6': 2 };
    const rows = Object.entries(chapter).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, n) => `${section}.${n + 1}`),
    );
    const named = new Set(page.match(/\b7\.\d\.\d+\b/g));
    expect(rows.filter((row) => !named.has(row))).toEqual([]);
  });

  it('has the limits of the code', () => {
    expect(maxTokens).toBe(maxLines);
    expect(page).toContain(`${maxTokens.toLocaleString('en')} tokens and as many lines`);
    expect(page).toContain(`names of ${maxNameLength} characters`);
    expect(page).toContain(`a body of ${maxBodyBytes / 1024} KB`);
    expect(page).toContain(`| ${maxPipelined} requests in flight`);
    expect(page).toContain(`| ${maxHeldBytes / 1024 / 1024} MB over all connections`);
    const [running, waiting] = [maxRunning, maxWaiting].map((count) => count.toLocaleString('en'));
    expect(page).toContain(`| ${running} are carried out, ${waiting} wait`);
  });
});
