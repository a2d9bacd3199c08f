export type Check = { name: string; act(): Promise<void> };

/** Runs checks one after the other, and prints a line for each. Returns the number of those that failed. */
export async function runChecks(checks: readonly Check[]): Promise<number> {
  let failed = 0;
  for (const { name, act } of checks) {
    try {
      await act();
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return failed;
}
