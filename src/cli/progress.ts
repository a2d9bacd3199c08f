import { MultiBar } from 'cli-progress';

/** How far a command has come, on standard error, where somebody looks at it. */
export type Progress = {
  /** Says how many bytes were read by now. */
  update(bytes: number): void;
  /** Prints a line, above the bar where there is one. */
  note(line: string): void;
  stop(): void;
};

/** @param total - in bytes, or null where it is not known, and so there is no bar */
export function openProgress(total: number | null): Progress {
  const { stderr } = process;
  const note = (line: string) => void stderr.write(`${line}\n`);
  if (!stderr.isTTY || total === null) return { update() {}, note, stop() {} };
  const bars = new MultiBar({ stream: stderr, format: '{bar} {percentage}%  {eta_formatted}', clearOnComplete: true });
  const bar = bars.create(total, 0);
  return {
    update: (bytes) => bar.update(bytes),
    note: (line) => bars.log(`${line}\n`),
    stop: () => bars.stop(),
  };
}
