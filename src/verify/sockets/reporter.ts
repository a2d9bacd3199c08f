/** Reports errors that have no caller. */
export type Reporter = {
  report(error: unknown): void;
  /** Reports a problem that every attempt may have, once until an attempt succeeds. */
  reportOnce(error: unknown): void;
  noteSuccess(): void;
};

/** Creates a reporter. Errors of `onError` itself are dropped. */
export function createReporter(onError: (error: unknown) => void): Reporter {
  const problems = new Set<string>();
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
      if (problems.has(String(error))) return;
      problems.add(String(error));
      report(error);
    },
    noteSuccess: () => problems.clear(),
  };
}
