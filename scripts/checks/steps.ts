/** The steps of a check, each with a line of output. */

export type Steps = {
  /** Takes a step, and prints whether it succeeds and how long it takes. Returns whether it succeeds. */
  take(name: string, act: () => Promise<unknown>): Promise<boolean>;
  /** Prints the sentence of a failure outside of a step. */
  fail(sentence: string): void;
  failures(): number;
  /** Prints whether all steps succeeded, and sets the exit code of the process. */
  finish(): void;
};

/** Begins a list of steps. */
export function beginSteps(): Steps {
  let failures = 0;
  function fail(sentence: string): void {
    failures += 1;
    console.log(`  FAILED  ${sentence}`);
  }
  return {
    fail,
    failures: () => failures,
    finish() {
      console.log(failures === 0 ? '\nEvery check passed.' : `\n${failures} failed.`);
      process.exitCode = failures === 0 ? 0 : 1;
    },
    async take(name, act) {
      const began = performance.now();
      const time = () => `${((performance.now() - began) / 1_000).toFixed(1)} s`;
      try {
        await act();
        console.log(`  ok      ${name} (${time()})`);
        return true;
      } catch (error) {
        fail(`${name} (${time()})\n${describe(error)}`);
        return false;
      }
    },
  };
}

/** Returns the output of a program that failed, or the message of an error. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
  return `${stdout}${stderr}`.trim() || error.message;
}
