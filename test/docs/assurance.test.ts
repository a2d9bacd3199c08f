import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { inspectSettings } from '../../src/config/inspect/settings.ts';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { missingTests, testsNamedIn } from '../support/named-tests.ts';

const page = readFileSync('docs/assurance.md', 'utf8');

/** Returns the rows of the table below a heading, without its head. */
function rowsOf(heading: string): string[][] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const nist = rowsOf('NIST SP 800-63B-4: AAL2');
const asvs = rowsOf('OWASP ASVS 5.0, chapter V6: authentication');

/** The sections of NIST SP 800-63B-4 that apply to a verifier at AAL2, with a factor that this server knows. */
const sections = `2.2.1 2.2.2 2.2.3 2.4.2 3.1.1.2 3.1.2.2 3.1.3.1 3.1.4.1 3.1.4.2 3.1.6.2 3.1.7.1 3.1.7.2 3.2.1 3.2.2
  3.2.3 3.2.5 3.2.6 3.2.7 3.2.12 4.1 4.1.2.1 4.2.1.1 4.2.1.2 4.2.2.2 4.2.3 4.3 4.4 4.5 4.6 5.1 5.1.1 5.1.2 5.2`.split(
  /\s+/,
);

/** The number of rows in each section of chapter V6. */
const chapter = { '6.1': 3, '6.2': 12, '6.3': 8, '6.4': 6, '6.5': 8, '6.6': 4, '6.7': 2, '6.8': 4 };

describe('docs/assurance.md', () => {
  it('names tests that exist, by their titles', () => {
    const named = testsNamedIn(page);
    expect(named.length).toBeGreaterThan(80);
    expect(missingTests(named)).toEqual([]);
  });

  it('has the defaults of every setting that ASSURANCE=2 decides', () => {
    const environment = { ASSURANCE: '2', ENCRYPTION_KEYS: createEncryptionKey() };
    const { settings } = inspectSettings(environment, new Set(), [readConfig]);
    const decided = settings.filter(({ source }) => source === 'ASSURANCE').map(({ name }) => name);
    const rows = rowsOf('`ASSURANCE=2`').map(([setting = '']) => setting.replaceAll('`', ''));
    expect(rows.filter((name) => /^[A-Z_]+$/.test(name)).toSorted()).toEqual(decided.toSorted());
  });

  it('has every section of AAL2', () => {
    const found = new Set(nist.flatMap(([section = '']) => section.split(', ')));
    expect([...found].toSorted()).toEqual(sections.toSorted());
  });

  it('has every row of ASVS chapter V6, once and in order', () => {
    const expected = Object.entries(chapter).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, n) => `${section}.${n + 1}`),
    );
    expect(asvs.map(([row]) => row)).toEqual(expected);
  });

  it('is the only page with rows of this chapter: docs/security.md leads here', () => {
    const security = readFileSync('docs/security.md', 'utf8');
    expect(security.match(/^\| 6\.\d.*$/gm)).toBeNull();
    expect(security).toContain('(assurance.md#owasp-asvs-50-chapter-v6-authentication)');
    expect(security).toContain('(assurance.md#nist-sp-800-63b-4-aal2)');
  });

  it('has a verdict in each row, with a test or a reason', () => {
    for (const row of nist) expect(row.slice(0, 3), row[0]).not.toContain('');
    for (const row of asvs) expect(row, row[0]).not.toContain('');
    const met = nist.filter(([, , verdict = '', proof = '']) => /^(?:met|stricter)/.test(verdict) && proof === '');
    expect(met).toEqual([]);
  });
});
