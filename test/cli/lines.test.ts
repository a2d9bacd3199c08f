import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLines } from '../../src/cli/lines.ts';

async function* chunksOf(bytes: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const read = (text: string | Buffer, sizes = [7]) => Array.fromAsync(readLines(chunksOf(Buffer.from(text), sizes)));

describe('line reader', () => {
  it('returns the same lines for chunks of any size, with and without a newline at the end', async () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/\n/g, '').replace(/^\ufeff/, ''));
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(line), sizes, fc.boolean(), async (texts, pieces, isEnded) => {
        const whole = texts.join('\n') + (isEnded && texts.length > 0 ? '\n' : '');
        const lines = (await read(whole, pieces)).map((each) => ('text' in each ? each.text : null));
        expect(lines).toEqual(whole.replace(/\n$/, '') === '' && !whole ? [] : whole.replace(/\n$/, '').split('\n'));
      }),
    );
  });

  it('counts lines that are not UTF-8 or too long, without storing them', async () => {
    const bytes = Buffer.concat([
      Buffer.from('one\n'),
      Buffer.from([0xc3, 0x28, 0x0a]),
      Buffer.from(`${'x'.repeat(200_000)}\nfour\n${'y'.repeat(70_000)}`),
    ]);
    for (const size of [1_000, 65_536, 500_000]) {
      expect(await read(bytes, [size])).toEqual([
        { number: 1, text: 'one' },
        { number: 2, problem: 'The line is not UTF-8.' },
        { number: 3, problem: expect.stringContaining('more than 65536 bytes') },
        { number: 4, text: 'four' },
        { number: 5, problem: expect.stringContaining('more than 65536 bytes') },
      ]);
    }
  });

  it('accepts a carriage return at the end, and a byte order mark at the beginning', async () => {
    const [first, second] = await read('\ufeff{"a":1}\r\n{"a":2}\r\n');
    expect([first, second].map((line) => line && 'text' in line && JSON.parse(line.text))).toEqual([
      { a: 1 },
      { a: 2 },
    ]);
  });
});
