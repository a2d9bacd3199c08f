import type { Observer } from '../../http/messages.ts';
import { RequestHistogram } from './histogram.ts';
import { addCounter, fullName, type Registers } from './series.ts';

const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** More codes than this server has. A plugin could make up any number. */
const maxCodes = 100;

/**
 * Returns an observer that counts requests and refusals. The labels are names of this server, so they have few values:
 * the path that answered, the type of the operation, the class of the status, the code of a refusal.
 */
export function countRequests(registers: Registers): Observer {
  const durations = new RequestHistogram({
    name: fullName('request_duration_seconds'),
    help: 'Requests by route, operation type and class of the status, with the time until their answer was ready.',
    labelNames: ['route', 'type', 'status'],
    buckets: durationBuckets,
    registers,
  });
  const refusals = addCounter(registers, {
    name: 'refusals_total',
    help: 'Requests that were refused or failed, by the code of the first error or refusal.',
    labels: ['code'],
  });
  const codes = new Set<string>();
  const boundedCode = (code: string) => {
    if (codes.size < maxCodes) codes.add(code);
    return codes.has(code) ? code : 'OTHER';
  };
  return (_incoming, facts) => {
    const began = performance.now();
    return ({ status }) => {
      const seconds = (performance.now() - began) / 1_000;
      const { route, operationType, code } = facts;
      durations.observe(seconds, route ?? 'none', operationType ?? 'none', classOf(status));
      if (code !== null) refusals.inc({ code: boundedCode(code) });
    };
  };
}

const classes = ['1xx', '2xx', '3xx', '4xx', '5xx'];

function classOf(status: number): string {
  return classes[Math.floor(status / 100) - 1] ?? 'none';
}
