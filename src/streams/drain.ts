import { setTimeout as sleep } from 'node:timers/promises';
import type { OpenStream } from './open-streams.ts';

/** The pause between the ends of streams while the server drains. */
const drainStepMs = 50;

/** Ends streams in this time, one after the other. */
export async function endOver(overMs: number, toEnd: readonly OpenStream[]): Promise<void> {
  const began = performance.now();
  for (let ended = 0; ended < toEnd.length; ) {
    const share = overMs === 0 ? 1 : (performance.now() - began) / overMs;
    const next = Math.min(toEnd.length, Math.ceil(share * toEnd.length));
    for (const { stream } of toEnd.slice(ended, next)) stream.close('DRAINED');
    ended = Math.max(ended, next);
    if (ended < toEnd.length) await sleep(drainStepMs);
  }
}
