import type { IdUsage } from './probe.ts';

/** The number of remaining ids from which on writes may fail soon: hours at the rate of a large server. */
const minRemaining = 10_000n;

/** Returns whether a table has so few ids left that writes may fail soon. */
export function isExhausted(usage: readonly IdUsage[]): boolean {
  return usage.some(({ last, largest }) => largest - last < minRemaining);
}

/** Returns the share of the ids that each table has given out, from 0 to 1. */
export function usedShares(usage: readonly IdUsage[]): [table: string, share: number][] {
  return usage.map(({ table, last, largest }) => [table, Number(last) / Number(largest)]);
}

/** The share of the ids from which on the operator is warned, in percent. */
const warnedPercent = 80n;

/** Returns the tables that have used most of their ids, with the percentage. */
export function scarceIds(usage: readonly IdUsage[]): { table: string; percent: bigint; remaining: bigint }[] {
  return usage
    .map(({ table, last, largest }) => ({ table, percent: (100n * last) / largest, remaining: largest - last }))
    .filter(({ percent }) => percent >= warnedPercent);
}
