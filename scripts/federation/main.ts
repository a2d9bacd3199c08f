/**
 * Checks that this server and another one make one graph: `npm run check:federation`. Composes them with three composers,
 * and serves examples/federation through Hive Gateway, unchanged. `npm run check:federation composers` and
 * `npm run check:federation gateway` do one of both. npm installs the packages below node_modules/.cache.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseParts } from '../checks/choose.ts';
import { installPackages } from '../checks/packages.ts';
import { beginSteps } from '../checks/steps.ts';
import { runChecks } from './checks.ts';
import { composerPackages, compositionChecks } from './composition.ts';
import { joiningChecks, sessionChecks } from './gateway-checks.ts';
import { type Graph, startGraph } from './graph.ts';
import { exposureChecks, limitChecks } from './protection-checks.ts';

const { dependencies } = JSON.parse(await readFile('examples/federation/package.json', 'utf8'));

const steps = beginSteps();

async function checkComposers(): Promise<void> {
  const shared = ['@theguild/federation-composition', 'graphql'];
  const ofExample = Object.fromEntries(shared.map((name) => [name, dependencies[name]]));
  let modules = '';
  const isInstalled = await steps.take('npm install of the composers', async () => {
    modules = await installPackages('composers', { ...composerPackages, ...ofExample });
  });
  if (isInstalled) await runChecks(steps, compositionChecks(modules));
}

async function checkGateway(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-federation-'));
  let graph: Graph | undefined;
  try {
    await steps.take('npm install and start of Hive Gateway', async () => {
      graph = await startGraph(folder, await installPackages('federation', dependencies));
    });
    if (graph) await checkGraph(graph);
  } finally {
    await graph?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkGraph(graph: Graph): Promise<void> {
  const before = steps.failures();
  await runChecks(steps, [
    ...sessionChecks(graph),
    ...joiningChecks(graph),
    ...limitChecks(graph),
    ...exposureChecks(graph),
    { name: 'no unexpected error', act: async () => assert.deepEqual(graph.reported, []) },
  ]);
  if (steps.failures() > before) console.log(graph.printed());
}

const parts = [
  { name: 'composers', check: checkComposers },
  { name: 'gateway', check: checkGateway },
];
for (const { check } of chooseParts('part', parts, process.argv.slice(2))) await check();
steps.finish();
