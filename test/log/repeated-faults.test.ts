import { expect, it, onTestFinished, vi } from 'vitest';
import { createLog } from '../../src/log/log.ts';
import { logFaults } from '../../src/log/repeated-faults.ts';
import type { Data } from '../support/api.ts';

const everyMs = 1_000;

function start() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const lines: Data[] = [];
  const sink = { write: (line: string) => void lines.push(JSON.parse(line)), flush: (done: () => void) => done() };
  const faults = logFaults(createLog('info', sink), everyMs);
  return { faults, told: () => lines.splice(0).map(({ level, msg, repetitions }) => [level, msg, repetitions]) };
}

/** Returns an error that is always made at the same place. */
const failure = (n = 1) => new Error(`Row ${n} is gone.`);

it('a fault is logged once, and then counted once per interval', () => {
  const { faults, told } = start();
  for (let n = 0; n < 1_000; n += 1) faults.report('Unexpected error', failure());
  expect(told()).toEqual([['error', 'Unexpected error', undefined]]);
  vi.advanceTimersByTime(everyMs);
  expect(told()).toEqual([['warn', 'Repeated fault', 999]]);
  faults.report('Unexpected error', failure(1));
  vi.advanceTimersByTime(everyMs);
  expect(told()).toEqual([['warn', 'Repeated fault', 1]]);
});

it('a fault that comes back after an interval without it is logged as a new one', () => {
  const { faults, told } = start();
  for (let round = 0; round < 2; round += 1) {
    faults.report('Unexpected error', failure(1));
    expect(told()).toEqual([['error', 'Unexpected error', undefined]]);
    vi.advanceTimersByTime(2 * everyMs);
    expect(told()).toEqual([]);
  }
});

it('faults of different kinds are logged separately, by their message, their origin or a name', () => {
  const { faults, told } = start();
  faults.report('Unexpected error', failure(1));
  faults.report('Unexpected error', failure(2));
  faults.report('Unexpected error', new Error('Row 1 is gone.'));
  faults.report('Unexpected error', 'A connection broke.');
  faults.report('Unexpected error', 'A connection was refused.');
  faults.report('Unexpected error', new TypeError('x is not a function'));
  faults.report('The database does not answer', new Error('ECONNREFUSED'), 'database');
  faults.report('The database does not answer', new Error('ETIMEDOUT'), 'database');
  expect(told()).toHaveLength(7);
});

it('faults of too many kinds are counted together', () => {
  const { faults, told } = start();
  for (let n = 0; n < 10_000; n += 1) faults.report('Unexpected error', null, `kind ${n}`);
  expect(told()).toHaveLength(101);
  vi.advanceTimersByTime(everyMs);
  expect(told()).toEqual([['warn', 'Repeated fault', 9_899]]);
});

it('counts are logged when the server stops', () => {
  const { faults, told } = start();
  for (let n = 0; n < 3; n += 1) faults.report('Unexpected error', failure());
  faults.stop();
  expect(told()).toEqual([
    ['error', 'Unexpected error', undefined],
    ['warn', 'Repeated fault', 2],
  ]);
});
