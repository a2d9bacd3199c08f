import { InvalidArgumentError } from 'commander';

/** Reads the value of `--limit`. @throws InvalidArgumentError */
export function toLimit(value: string): number {
  const limit = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  if (limit < 1) throw new InvalidArgumentError('It must be a whole number of 1 or more.');
  return limit;
}
