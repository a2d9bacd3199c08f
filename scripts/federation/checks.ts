import type { Steps } from '../checks/steps.ts';

export type Check = { name: string; act(): Promise<void> };

/** Runs checks one after the other. */
export async function runChecks(steps: Steps, checks: readonly Check[]): Promise<void> {
  for (const { name, act } of checks) await steps.take(name, act);
}
