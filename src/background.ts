/** Repeated work in the background. */
export type Repeated = {
  /** Stops the repetition, and waits until the running work is done. */
  stop(): Promise<void>;
};

/**
 * Repeats work, with a pause after each time. The timer keeps no process alive.
 *
 * @param work - gets a function that tells whether to stop in the middle; its errors are reported
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
