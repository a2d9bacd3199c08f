/** The command line of the check. */
import { parseArgs } from 'node:util';
import type { ClusterKind } from './databases/cluster.ts';
import { patroni } from './databases/patroni.ts';
import { streaming } from './databases/streaming.ts';
import type { Fault } from './faults.ts';

export const clusterKinds: Record<string, ClusterKind> = { patroni, streaming };

const faultKinds: Fault['kind'][] = ['kill', 'freeze', 'orphan'];
const flag = { type: 'boolean', default: false } as const;

/** Returns the options. Ends the process with a sentence if one is unknown. */
export function readOptions() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      faults: { type: 'string' },
      fault: { type: 'string', default: 'kill' },
      standby: flag,
      strict: flag,
      pgbouncer: flag,
      hosts: flag,
      keep: flag,
    },
  });
  const asked = positionals.length > 0 ? positionals : Object.keys(clusterKinds);
  const kinds = asked.map((name) => requireOne(name, Object.keys(clusterKinds)));
  return { ...values, kinds, fault: requireOne(values.fault, faultKinds) };
}

function requireOne<T extends string>(asked: string, known: T[]): T {
  const found = known.find((one) => one === asked);
  if (found !== undefined) return found;
  console.error(`There is no ${asked}. There are: ${known.join(', ')}.`);
  process.exit(1);
}
