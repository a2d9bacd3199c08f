/**
 * Measures the memory of a default server under documents that all differ: `node bench/attacks/memory.ts [documents of
 * each kind] [heap in MB]`.
 */
import { distinctDocuments, floodDocuments } from '../../test/support/document-flood.ts';
import { residentMB } from '../processes.ts';
import { startDefaultServer } from './default-server.ts';

const documents = Number(process.argv[2] ?? 200_000);
const heap = process.argv[3] === undefined ? [] : [`--max-old-space-size=${Number(process.argv[3])}`];

const server = await startDefaultServer(heap);
let maxMB = 0;
const watch = setInterval(() => {
  maxMB = Math.max(maxMB, residentMB(server.pid));
}, 100);
try {
  console.log(`${documents} documents of each kind${heap.length > 0 ? `, ${heap[0]}` : ''}`);
  console.log(`| documents | MB after | max MB so far | answers |\n|---|--:|--:|---|`);
  console.log(`| none | ${residentMB(server.pid).toFixed(0)} | | |`);
  for (const kind of Object.keys(distinctDocuments)) {
    const statuses = await floodDocuments(server.port, { kinds: [kind], requests: documents });
    const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
    console.log(`| ${kind} | ${residentMB(server.pid).toFixed(0)} | ${maxMB.toFixed(0)} | ${answers} |`);
  }
} finally {
  clearInterval(watch);
  await server.stop();
}
