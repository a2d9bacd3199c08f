import { InvalidArgumentError } from 'commander';
import { largestIds } from '../../../database/ids.ts';

export const idArgument = ['<webhook>', 'id of the webhook, as `webhook list` has it'] as const;

/** Reads an id from the command line. @throws InvalidArgumentError */
export function toId(value: string): bigint {
  const id = /^[1-9]\d{0,18}$/.test(value) ? BigInt(value) : 0n;
  if (id < 1n || id > largestIds.of64Bits) throw new InvalidArgumentError('It must be a whole number of 1 or more.');
  return id;
}
