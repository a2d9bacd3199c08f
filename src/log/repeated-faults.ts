import type { Log } from './log.ts';

/** The interval at which repetitions are counted. A fault that stays away for as long is logged as a new one. */
const intervalMs = 60_000;

/** The maximum number of different faults that are told apart. Further ones are counted together. */
const maxKinds = 100;

const maxKindLength = 1_000;

export type FaultLog = {
  /**
   * Logs a fault with its stack, or counts it if one of its kind was logged a moment ago.
   *
   * @param kind - by default, the type, the message and the origin of the error
   */
  report(message: string, error: unknown, kind?: string): void;
  /** Logs the counts, and ends the intervals. */
  stop(): void;
};

type Kind = { message: string; repetitions: number };

const others = 'others';

/**
 * Returns a log of faults that logs each kind once, and then its number of repetitions once per interval. A broken
 * database fails thousands of requests a minute, all in the same way: their stacks would hide every other line.
 */
export function logFaults(log: Log, everyMs: number = intervalMs): FaultLog {
  let kinds = new Map<string, Kind>();

  /** Logs what was counted. Kinds that were repeated stay known for one more interval. */
  function tell(): void {
    const repeated = [...kinds].filter(([, { repetitions }]) => repetitions > 0);
    for (const [, { message, repetitions }] of repeated) log.warn('Repeated fault', { fault: message, repetitions });
    kinds = new Map(repeated.map(([key, { message }]) => [key, { message, repetitions: 0 }]));
  }
  const timer = setInterval(tell, everyMs);
  timer.unref();

  return {
    report(message, error, kind = kindOf(error)) {
      const key = `${message} ${kind}`;
      const known = kinds.get(key) ?? (kinds.size >= maxKinds ? kinds.get(others) : undefined);
      if (known) {
        known.repetitions += 1;
        return;
      }
      kinds.set(kinds.size >= maxKinds ? others : key, { message, repetitions: 0 });
      log.error(message, error);
    },
    stop() {
      clearInterval(timer);
      tell();
    },
  };
}

/**
 * Returns the kind of an error: its type, its message and the place of its origin. Two messages about different rows,
 * such as mails that were given up, are of different kinds: none may be missing in the log.
 */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, maxKindLength);
  const origin = /\n\s+at .*/.exec(error.stack ?? '')?.[0] ?? '';
  return `${error.name} ${error.message.slice(0, maxKindLength)} ${origin}`;
}
