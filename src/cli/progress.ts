import { MultiBar } from 'cli-progress';

/** The progress of a command, on standard error if that is a terminal. */
export type Progress = {
  /** Reports the number of bytes read so far. */
  update(bytes: number): void;
  /** Prints a line, above the progress bar if there is one. */
  note(line: string): void;
  stop(): void;
};

/** Shows nothing, for programs. */
export const noProgress: Progress = { update() {}, note() {}, stop() {} };

/** Opens a progress bar. @param total - in bytes, or null if it is unknown, which shows no bar */
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
