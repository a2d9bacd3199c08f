import { describe, expect, it } from 'vitest';
import { reportUntrusted } from '../../src/trusted-documents/untrusted-operations.ts';

/** Returns a receiver of operations with a clock, and the sentences that it reports. */
function open() {
  const clock = { now: 0 };
  const sentences: string[] = [];
  const untrusted = reportUntrusted(
    ({ message }) => sentences.push(message),
    () => clock.now,
  );
  const note = (text: string) => untrusted.note({ name: 'A', text, isTrusted: false });
  return { clock, sentences, note, stop: untrusted.stop };
}

describe('untrusted operations', () => {
  it('are reported once per document, and then counted once a minute', () => {
    const { clock, sentences, note, stop } = open();
    for (let time = 0; time < 5; time += 1) note('{ a }');
    expect(sentences).toEqual([
      expect.stringMatching(/^The operation A is not trusted\. The SHA-256 .* [0-9a-f]{64}\.$/),
    ]);
    clock.now = 60_000;
    note('{ a }');
    expect(sentences.slice(1)).toEqual(['Further operations that are not trusted since 1970-01-01T00:00:00.000Z: 4.']);
    stop();
    expect(sentences.slice(2)).toEqual(['Further operations that are not trusted since 1970-01-01T00:01:00.000Z: 1.']);
    stop();
    expect(sentences).toHaveLength(3);
  });

  it('of endless different documents are reported twenty times a minute, and do not hide later ones', () => {
    const { clock, sentences, note } = open();
    for (let n = 0; n < 10_000; n += 1) note(`{ a${n} }`);
    expect(sentences).toHaveLength(20);
    clock.now = 60_000;
    note('{ later }');
    expect(sentences).toHaveLength(22);
    expect(sentences[20]).toContain('1970-01-01T00:00:00.000Z: 9980.');
    expect(sentences[21]).toContain('The operation A is not trusted');
  });
});
