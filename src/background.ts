/** Work that is done again and again in the background. */
export type Repeated = {
  /** Does it no more, and waits until what is being done is done. */
  stop(): Promise<void>;
};

/**
 * Does something again and again, with a pause after each time, and keeps no process alive by it.
 *
 * @param work - is given a function that says whether to stop in the middle; what it throws is reported
 */
export function repeat(
  pauseMs: number,
  work: (isStopping: () => boolean) => Promise<unknown>,
  report: (error: unknown) => void,
  firstAfterMs = pauseMs,
): Repeated {
  let isStopping = false;
  let running: Promise<unknown> = Promise.resolve();
  let timer = setTimeout(run, firstAfterMs).unref();

  function run(): void {
    running = work(() => isStopping).catch(report);
    void running.then(() => {
      if (!isStopping) timer = setTimeout(run, pauseMs).unref();
    });
  }
  return {
    async stop() {
      isStopping = true;
      clearTimeout(timer);
      await running;
    },
  };
}
