import type { Line } from '../transfer/import.ts';

/** In bytes. A user fits into a tenth of it. */
const maxLineLength = 65_536;
const newline = 0x0a;

/**
 * Yields the lines of UTF-8 text as it arrives. A line that is too long is not kept, and one that is not UTF-8 is not
 * guessed at: the problem stands in its place.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  let isTooLong = false;
  const take = (bytes: Buffer): Line => {
    number += 1;
    const problem = isTooLong || bytes.length > maxLineLength ? `The line has more than ${maxLineLength} bytes.` : null;
    isTooLong = false;
    return problem === null ? decode(decoder, bytes, number) : { number, problem };
  };
  for await (const chunk of chunks) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline)) {
      yield take(bytes.subarray(0, end));
      bytes = bytes.subarray(end + 1);
    }
    isTooLong ||= bytes.length > maxLineLength;
    rest = isTooLong ? Buffer.alloc(0) : bytes;
  }
  if (rest.length > 0 || isTooLong) yield take(rest);
}

function decode(decoder: TextDecoder, bytes: Buffer, number: number): Line {
  try {
    return { number, text: decoder.decode(bytes) };
  } catch {
    return { number, problem: 'The line is not UTF-8.' };
  }
}
