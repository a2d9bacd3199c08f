/**
 * Ends a million sessions in the background while others are read, and prints the times:
 * `node bench/revocations.ts [sqlite|postgresql] [sessions]`.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { datasetOf, tokenOf } from './dataset.ts';
import type { Result } from './generator.ts';
import { startGenerator } from './processes.ts';
import { openPostgresqlStand, openSqliteStand } from './stand.ts';
import { workloads } from './workloads.ts';

const [name = 'sqlite', sessions = '1000000'] = process.argv.slice(2);
const open = { sqlite: openSqliteStand, postgresql: openPostgresqlStand }[name];
if (!open) throw new Error('The first argument must be sqlite or postgresql.');
const data = datasetOf(Number(sessions));
const stand = await open(data);
const generator = startGenerator();
const { port, stop } = await stand.start('ours');

/** Sends an operation of the administrator, whose session is kept. */
async function ask(query: string, variables: object = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokenOf(1)}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data: answer, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return answer;
}

const file = join(stand.folder, 'reads.json');
await writeFile(file, JSON.stringify(workloads.bearer.exchanges('ours', data).slice(0, 1)));

/** Reads the session of the administrator over 4 connections, with a pause after each answer. */
async function read(seconds: number): Promise<Result> {
  const result = await generator.ask({ port, connections: 4, seconds, file, from: 0, isRepeatable: true, pauseMs: 10 });
  if (result.wrong > 0) throw new Error(`There was a wrong answer: ${result.example}`);
  return result;
}

function print(what: string, { requests, p50, p99, max }: Result): void {
  const ms = (time: number) => `${time.toFixed(1)} ms`;
  console.log(`${what}: ${requests} reads, p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)}`);
}

try {
  await read(5);
  print('Without a revocation', await read(10));
  const began = performance.now();
  const { revokeSessions } = await ask(
    'mutation { revokeSessions(filter: { all: true }, dryRun: false) { ... on RevocationPayload { revocation { id } } } }',
  );
  const { id } = revokeSessions.revocation;
  for (;;) {
    print('During it', await read(10));
    const { revocation } = await ask('query ($id: ID!) { revocation(id: $id) { state matched progress } }', { id });
    const seconds = (performance.now() - began) / 1_000;
    console.log(`${revocation.state}: ${revocation.matched} ended after ${seconds.toFixed(0)} s`);
    if (revocation.state === 'DONE') break;
    if (revocation.state !== 'PENDING' && revocation.state !== 'RUNNING') throw new Error('It did not end well.');
  }
} finally {
  await stop();
  await generator.stop();
  await stand.close();
}
