/**
 * Runs three servers on one PostgreSQL behind one address, on this machine, for a trial: `npm run cluster`. PostgreSQL
 * comes from npm, and its data is deleted afterwards. If TEST_DATABASE_URL names a server, a database is created there
 * instead.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../test/support/ports.ts';
import { withScratchDatabase } from '../test/support/postgresql-server.ts';
import { isReady } from './is-ready.ts';
import { startProxy } from './proxy.ts';

const port = await freePort();

async function startNode(number: number, databaseUrl: string): Promise<{ origin: string; node: ChildProcess }> {
  const nodePort = await freePort();
  const settings = {
    DATABASE_URL: databaseUrl,
    PORT: String(nodePort),
    PUBLIC_URL: `http://localhost:${port}`,
    TRUSTED_PROXIES: '127.0.0.1',
    DRAIN_TIME: '1s',
  };
  // biome-ignore lint/style/noProcessEnv: the environment of the operator is passed on
  const node = spawn(process.execPath, ['src/main.ts'], { env: { ...process.env, ...settings } });
  for (const stream of [node.stdout, node.stderr]) {
    stream.on('data', (text) =>
      process.stdout.write(String(text).replace(/^(?=.)/gm, `node ${number} (${node.pid})  `)),
    );
  }
  const origin = `http://127.0.0.1:${nodePort}`;
  while (!(await isReady(`${origin}/ready`))) {
    if (node.exitCode !== null) process.exit(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { origin, node };
}

await withScratchDatabase(async (databaseUrl) => {
  const nodes = [];
  for (const number of [1, 2, 3]) nodes.push(await startNode(number, databaseUrl));
  const proxy = await startProxy(
    nodes.map(({ origin }) => origin),
    port,
  );
  console.log(`\nThree servers behind  ${proxy.url}/graphql  (open it in a browser)`);
  console.log('Kill one by its process id: the others continue. Ctrl-C ends all.\n');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  for (const { node } of nodes) node.kill('SIGTERM');
  await Promise.all(nodes.map(({ node }) => node.exitCode ?? once(node, 'exit')));
  await proxy.stop();
});
