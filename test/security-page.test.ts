import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { maxLines, maxNameLength, maxTokens } from '../src/graphql/documents/document-limits.ts';
import { maxRunning, maxWaiting } from '../src/http/batch-per-tick.ts';
import { maxBodyBytes } from '../src/http/body.ts';
import { maxHeldBytes, maxPipelined } from '../src/http/connections.ts';

const page = readFileSync('docs/security.md', 'utf8');

/** Each test file that the page names, with the names in quotes that follow it before the next one. */
const proofs = [...page.matchAll(/`(test\/[\w/.-]+\.test\.ts)`((?:, "[^"\n]+")*)/g)].map(
  ([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  }),
);

describe('docs/security.md', () => {
  it('names tests that exist', () => {
    expect(proofs.length).toBeGreaterThan(50);
    const missing = proofs.flatMap(({ file, names }) => {
      if (!existsSync(file)) return [file];
      const text = readFileSync(file, 'utf8');
      return names.filter((name) => !text.includes(name)).map((name) => `${file}: ${name}`);
    });
    expect(missing).toEqual([]);
  });

  it('has every row of ASVS chapters V6 and V7 of levels 1 and 2, or says that it is left out', () => {
    const ofV6 = ['6.1', 3, '6.2', 12, '6.3', 4, '6.4', 4, '6.5', 5, '6.6', 3, '6.8', 4] as const;
    const ofV7 = ['7.1', 3, '7.2', 4, '7.3', 2, '7.4', 5, '7.5', 2, '7.6', 2] as const;
    const all = [...ofV6, ...ofV7];
    const rows: string[] = [];
    for (let n = 0; n < all.length; n += 2) {
      for (let row = 1; row <= Number(all[n + 1]); row += 1) rows.push(`${all[n]}.${row}`);
    }
    const text = page
      .replace('6.6.1 to 6.6.3', '6.6.1, 6.6.2, 6.6.3')
      .replace('6.8.1 to 6.8.4', '6.8.1, 6.8.2, 6.8.3, 6.8.4');
    const named = new Set(text.match(/\b[67]\.\d\.\d+\b/g));
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
