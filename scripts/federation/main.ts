/**
 * Checks that this server and another one make one graph: `npm run check:federation`. Composes them with three composers,
 * and serves examples/federation through Hive Gateway, unchanged. npm installs the packages below node_modules/.cache.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from '../stacks/packages.ts';
import { runChecks } from './checks.ts';
import { composerPackages, compositionChecks } from './composition.ts';
import { joiningChecks, sessionChecks } from './gateway-checks.ts';
import { startGraph } from './graph.ts';

const { dependencies } = JSON.parse(await readFile('examples/federation/package.json', 'utf8'));
const modules = await installPackages('federation', { ...dependencies, ...composerPackages });
const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-federation-'));
let failures = await runChecks(compositionChecks(modules));
try {
  const graph = await startGraph(folder, modules);
  try {
    failures += await runChecks([
      ...sessionChecks(graph),
      ...joiningChecks(graph),
      { name: 'no unexpected error', act: async () => assert.deepEqual(graph.reported, []) },
    ]);
    if (failures > 0) console.log(graph.printed());
  } finally {
    await graph.stop();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? '\nEvery check passed.' : `\n${failures} failed.`);
process.exitCode = failures === 0 ? 0 : 1;
