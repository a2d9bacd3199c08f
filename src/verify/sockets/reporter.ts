/** Reports errors that have no caller. */
export type Reporter = {
  report(error: unknown): void;
  /** Reports a problem that every attempt has, once until it ends. */
  reportOnce(error: unknown): void;
  endProblem(): void;
};

/** Creates a reporter. Errors of `onError` itself are dropped. */
export function createReporter(onError: (error: unknown) => void): Reporter {
  let problem: string | null = null;
  function report(error: unknown): void {
    try {
      onError(error);
    } catch {
      // There is nobody left to tell.
    }
  }
  return {
    report,
    reportOnce(error) {
      if (String(error) === problem) return;
      problem = String(error);
      report(error);
    },
    endProblem() {
      problem = null;
    },
  };
}
