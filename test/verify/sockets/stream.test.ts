import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { guardConnection } from '../../../src/verify/sockets/stream/connection-guard.ts';
import { readServerSentEvents } from '../../../src/verify/sockets/stream/server-sent-events.ts';
import { timing } from '../../../src/verify/sockets/timing.ts';

/** Reads a stream that arrives in these parts. */
async function read(parts: Uint8Array[]): Promise<{ event: string; data: string }[]> {
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = parts.shift();
      if (part) controller.enqueue(part);
      else controller.close();
    },
  });
  return Array.fromAsync(readServerSentEvents(stream, () => {}));
}

const encode = (text: string) => new TextEncoder().encode(text);

describe('server-sent events', () => {
  it.each<[string, string, { event: string; data: string }[]]>([
    ['a message', 'event: next\ndata: {}\n\n', [{ event: 'next', data: '{}' }]],
    ['a message without a type', 'data: x\n\n', [{ event: '', data: 'x' }]],
    ['a message without data', 'event: complete\n\n', [{ event: 'complete', data: '' }]],
    ['data in several lines', 'data: a\ndata:b\ndata:  c\n\n', [{ event: '', data: 'a\nb\n c' }]],
    ['comments and other fields', ': hi\nid: 1\nretry: 2\nunknown\ndata\n\n:\n\n', [{ event: '', data: '' }]],
    ['a byte order mark', '\ufeffdata: a\n\n', [{ event: '', data: 'a' }]],
    ['a message that is cut off', 'data: a\n\ndata: b\n', [{ event: '', data: 'a' }]],
    ['text beyond ASCII', 'data: é€😀\n\n', [{ event: '', data: 'é€😀' }]],
  ])('have %s, in parts of any length and with every line break', async (_, text, expected) => {
    const breaks = fc.constantFrom('\n', '\r\n', '\r');
    await fc.assert(
      fc.asyncProperty(breaks, fc.integer({ min: 1, max: 9 }), async (lineBreak, length) => {
        // With a lone CR, the last line break is complete only with the next byte.
        const bytes = encode(`${text.replaceAll('\n', lineBreak)}:`);
        const parts = Array.from({ length: Math.ceil(bytes.length / length) }, (_, i) =>
          bytes.slice(i * length, (i + 1) * length),
        );
        expect(await read(parts)).toEqual(expected);
      }),
      { numRuns: 27 },
    );
  });

  it.each([
    ['a line', 'x'.repeat(2 ** 10)],
    ['lines of one message', `data: ${'x'.repeat(2 ** 10)}\n`],
  ])('break the stream if they have too many characters in %s', async (_, part) => {
    const endless = encode(part.repeat(2 ** 6));
    await expect(read(Array.from({ length: 100 }, () => endless))).rejects.toThrow('more than 1048576 characters');
  });
});

describe('connection of a stream', () => {
  it('ends without a message for ten seconds, and after 30 seconds of silence', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { signal: stopping } = new AbortController();
    const late = guardConnection(stopping);
    const guard = guardConnection(stopping);
    guard.onOpen();
    vi.advanceTimersByTime(9_999);
    expect([late.signal.aborted, guard.signal.aborted]).toEqual([false, false]);
    vi.advanceTimersByTime(1);
    expect([late.signal.aborted, guard.signal.aborted, late.silentSince()]).toEqual([true, false, null]);
    for (let i = 0; i < 10; i += 1) {
      guard.onArrival();
      vi.advanceTimersByTime(timing.maxSilenceMs - 1);
    }
    expect(guard.signal.aborted).toBe(false);
    const before = performance.now() - (timing.maxSilenceMs - 1);
    vi.advanceTimersByTime(1);
    expect([guard.signal.aborted, guard.silentSince()]).toEqual([true, before]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer and no listener behind when it is closed', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { signal: stopping } = new AbortController();
    const remove = vi.spyOn(stopping, 'removeEventListener');
    for (const isOpen of [false, true]) {
      const guard = guardConnection(stopping);
      if (isOpen) guard.onOpen();
      guard.close();
      expect(guard.signal.aborted).toBe(true);
    }
    expect([vi.getTimerCount(), remove.mock.calls.length]).toEqual([0, 2]);
  });
});
