/**
 * Measures a default server while many connections fill its memory with sent or unread data: `node
 * bench/attacks/connections.ts [connections] [seconds] [options of Node]`. Every kind gets its own server.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { holdingRequests, holdOpen } from '../../test/support/unread.ts';
import { residentMB } from '../processes.ts';
import { startDefaultServer } from './default-server.ts';

const [connections = 1_000, seconds = 15] = process.argv.slice(2, 4).map(Number);
const nodeOptions = process.argv.slice(4);

console.log(`${connections} connections, ${seconds} s, ${nodeOptions.join(' ') || 'the options of npm start'}`);
console.log('| content of each | MB before | max MB | slowest /health, ms | alive |\n|---|--:|--:|--:|---|');
for (const [name, bytes] of Object.entries(holdingRequests)) {
  const server = await startDefaultServer(nodeOptions);
  try {
    const before = residentMB(server.pid);
    const endAll = holdOpen(server.port, bytes, connections);
    let [maxMB, slowestMs, isAlive] = [0, 0, true];
    for (const until = performance.now() + seconds * 1_000; isAlive && performance.now() < until; await sleep(100)) {
      const began = performance.now();
      isAlive = await fetch(`http://127.0.0.1:${server.port}/health`).then(
        () => true,
        () => false,
      );
      slowestMs = Math.max(slowestMs, performance.now() - began);
      if (isAlive) maxMB = Math.max(maxMB, residentMB(server.pid));
    }
    endAll();
    const figures = [before, maxMB, slowestMs].map((figure) => figure.toFixed(0));
    console.log(`| ${name} | ${figures.join(' | ')} | ${isAlive ? 'yes' : '**no**'} |`);
  } finally {
    await server.stop();
  }
}
