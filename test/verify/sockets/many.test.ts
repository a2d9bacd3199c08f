/** @module-tag repeated */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, inject, it, onTestFinished } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { wsAuth } from '../../../src/verify/adapters/ws.ts';
import { createVerifier } from '../../../src/verify/verifier.ts';
import type { Client } from '../../support/api.ts';
import { startVerifyingServer } from '../../support/verify.ts';

const sessions = inject('isShort') ? 10 : 100;
const socketsPerSession = 10;

it('closes many sockets when their sessions end, and keeps those of other sessions', async () => {
  const { api, options } = await startVerifyingServer();
  const errors: unknown[] = [];
  const verifier = createVerifier({ ...options, onError: (error) => errors.push(error) });
  onTestFinished(() => verifier.stop());
  const application = createServer().listen(0, '127.0.0.1');
  application.on('upgrade', wsAuth(verifier, new WebSocketServer({ noServer: true })));
  onTestFinished(() => void application.close());
  await once(application, 'listening');
  // A server that listens on TCP has an address with a port.
  const { port } = application.address() as AddressInfo;

  const closes: (string | null)[][] = [];
  const clients: Client[] = [];
  for (let i = 0; i < sessions; i += 1) {
    const client = await api.signUp(`user${i}@example.com`, 'BEARER');
    const sockets = Array.from({ length: socketsPerSession }, () => {
      return new WebSocket(`ws://127.0.0.1:${port}`, { headers: client.headers() });
    });
    onTestFinished(() => sockets.forEach((socket) => void socket.terminate()));
    await Promise.all(sockets.map((socket) => once(socket, 'open')));
    const seen: (string | null)[] = sockets.map(() => null);
    sockets.forEach((socket, at) => {
      socket.on('close', (code, reason) => {
        seen[at] = `${code} ${reason}`;
      });
    });
    closes.push(seen);
    clients.push(client);
  }
  const ending = clients.filter((_, i) => i % 2 === 0);
  for (const client of ending) await client.ask('mutation { logout { revokedSessionId } }');
  const expected = closes.map((seen, i) => seen.map(() => (i % 2 === 0 ? '4401 LOGGED_OUT' : null)));
  await expect.poll(() => closes).toEqual(expected);
  expect(errors).toEqual([]);
});
