/**
 * Watches the memory of a default server under documents of which no two are the same:
 * `node bench/attacks/memory.ts [documents of each kind] [heap in MB]`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { distinctDocuments, floodDocuments } from '../../test/support/document-flood.ts';
import { freePort } from '../../test/support/postgresql-server.ts';
import { residentMB, startServer } from '../processes.ts';

const documents = Number(process.argv[2] ?? 200_000);
const heap = process.argv[3] === undefined ? [] : [`--max-old-space-size=${Number(process.argv[3])}`];

const [, ...options] = packageJson.scripts.start.split(' ');
const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-attack-'));
const server = await startServer({
  name: 'ours',
  args: [...heap, ...options],
  port: await freePort(),
  env: { NODE_ENV: '', DATABASE_URL: `file:${join(folder, 'attacked.db')}` },
  answers: async (port) => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
});
let mostMB = 0;
const watch = setInterval(() => {
  mostMB = Math.max(mostMB, residentMB(server.pid));
}, 100);
try {
  console.log(`${documents} documents of each kind${heap.length > 0 ? `, ${heap[0]}` : ''}`);
  console.log(`| documents | MB after | MB at most so far | answers |\n|---|--:|--:|---|`);
  console.log(`| none | ${residentMB(server.pid).toFixed(0)} | | |`);
  for (const kind of Object.keys(distinctDocuments)) {
    const statuses = await floodDocuments(server.port, { kinds: [kind], requests: documents });
    const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
    console.log(`| ${kind} | ${residentMB(server.pid).toFixed(0)} | ${mostMB.toFixed(0)} | ${answers} |`);
  }
} finally {
  clearInterval(watch);
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
