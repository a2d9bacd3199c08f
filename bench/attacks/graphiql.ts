/**
 * Measures a default server while clients request GraphiQL repeatedly and never read: `node bench/attacks/graphiql.ts
 * [connections] [requests on each] [seconds]`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { askWithoutReading, countSockets } from '../../test/support/unread.ts';
import { residentMB } from '../processes.ts';
import { startDefaultServer } from './default-server.ts';

const [connections = 40, requests = 30, seconds = 40] = process.argv.slice(2).map(Number);

const server = await startDefaultServer();
try {
  console.log(`${connections} connections, ${requests} requests on each, ${seconds} s`);
  console.log('| path | MB before | max MB | slowest /health, ms | additional connections |\n|---|--:|--:|--:|--:|');
  for (const path of ['/graphql', '/graphql/graphiql.js']) {
    await (await fetch(`http://127.0.0.1:${server.port}/graphql/graphiql.js`)).arrayBuffer();
    const before = residentMB(server.pid);
    const sockets = countSockets(server.pid);
    const endAll = askWithoutReading(server.port, path, connections, requests);
    let [maxMB, slowestMs] = [0, 0];
    for (const until = performance.now() + seconds * 1_000; performance.now() < until; await sleep(100)) {
      const began = performance.now();
      await fetch(`http://127.0.0.1:${server.port}/health`);
      slowestMs = Math.max(slowestMs, performance.now() - began);
      maxMB = Math.max(maxMB, residentMB(server.pid));
    }
    const figures = [before, maxMB, slowestMs].map((figure) => figure.toFixed(0));
    console.log(`| ${path} | ${figures.join(' | ')} | ${countSockets(server.pid) - sockets} |`);
    endAll();
    await sleep(1_000);
  }
} finally {
  await server.stop();
}
