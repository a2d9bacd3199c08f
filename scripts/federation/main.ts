/**
 * Checks that this server and another one make one graph: `npm run check:federation`. Composes them with three composers,
 * and serves examples/federation through Hive Gateway, unchanged. `npm run check:federation composers` and
 * `npm run check:federation gateway` do one of both. npm installs the packages below node_modules/.cache.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackages } from '../checks/packages.ts';
import { runChecks } from './checks.ts';
import { composerPackages, compositionChecks } from './composition.ts';
import { joiningChecks, sessionChecks } from './gateway-checks.ts';
import { startGraph } from './graph.ts';

const { dependencies } = JSON.parse(await readFile('examples/federation/package.json', 'utf8'));

const parts: Record<string, () => Promise<number>> = {
  async composers() {
    const shared = ['@theguild/federation-composition', 'graphql'];
    const ofExample = Object.fromEntries(shared.map((name) => [name, dependencies[name]]));
    return runChecks(compositionChecks(await installPackages('composers', { ...composerPackages, ...ofExample })));
  },
  async gateway() {
    const modules = await installPackages('federation', dependencies);
    const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-federation-'));
    try {
      const graph = await startGraph(folder, modules);
      try {
        const failed = await runChecks([
          ...sessionChecks(graph),
          ...joiningChecks(graph),
          { name: 'no unexpected error', act: async () => assert.deepEqual(graph.reported, []) },
        ]);
        if (failed > 0) console.log(graph.printed());
        return failed;
      } finally {
        await graph.stop();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in parts));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. There are: ${Object.keys(parts).join(', ')}.`);
  process.exit(1);
}
let failures = 0;
for (const [name, run] of Object.entries(parts)) {
  if (asked.length === 0 || asked.includes(name)) failures += await run();
}
console.log(failures === 0 ? '\nEvery check passed.' : `\n${failures} failed.`);
process.exitCode = failures === 0 ? 0 : 1;
