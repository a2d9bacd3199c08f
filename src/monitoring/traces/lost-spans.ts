import { OperatorNotice } from '../../errors.ts';

const reportEveryMs = 60_000;

export type LostSpans = {
  /** Counts lost spans. Reports them at once, or a minute after the last report. */
  add(count: number, reason: string): void;
  /** Reports the spans that were counted since. */
  tell(): void;
};

/** Returns a count of the spans that could not be sent, which is reported once a minute at most. */
export function reportLostSpans(host: string, report: (error: unknown) => void): LostSpans {
  let lost = 0;
  let lastReason = '';
  let reportedAt = Number.NEGATIVE_INFINITY;
  function tell(): void {
    if (lost === 0) return;
    const spans = lost === 1 ? '1 span was' : `${lost} spans were`;
    const sentence = `Traces cannot be sent to ${host}: ${lastReason}. ${spans} lost. Requests do not wait for traces.`;
    report(new OperatorNotice('warning', sentence));
    lost = 0;
    reportedAt = performance.now();
  }
  return {
    add(count, reason) {
      lost += count;
      lastReason = reason;
      if (performance.now() - reportedAt >= reportEveryMs) tell();
    },
    tell,
  };
}
