/**
 * Lets Node compile the server and the command line, and keeps the result for every start (`src/compile-cache.js`).
 * Both are loaded, and end before they do anything: the server with an invalid port, the command line with its help.
 */
import { spawnSync } from 'node:child_process';
import packageJson from '../package.json' with { type: 'json' };

const [, ...start] = packageJson.scripts.start.split(' ');
const [, ...cli] = packageJson.scripts.cli.split(' ');

for (const [args, status] of [
  [start, 1],
  [[...cli, '--help'], 0],
] as const) {
  const run = spawnSync(process.execPath, args, { env: { PORT: 'none' }, encoding: 'utf8' });
  if (run.status === status) continue;
  console.error(run.stdout + run.stderr);
  process.exit(1);
}
