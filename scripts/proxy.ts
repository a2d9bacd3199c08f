import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isReady } from './is-ready.ts';

const checkIntervalMs = 200;
const probeTimeoutMs = 2_000;

export type Proxy = { url: string; stop(): Promise<void> };

/**
 * Starts a small load balancer, to run several servers behind one address. Each request goes to the next server whose
 * `/ready` succeeds, and to another one if the connection is refused.
 *
 * @param targets - the origins of the servers
 */
export async function startProxy(targets: string[], port = 0): Promise<Proxy> {
  const ready = new Set<string>();
  const check = () =>
    Promise.all(
      targets.map(async (target) => {
        if (await isReady(new URL('/ready', target), probeTimeoutMs)) ready.add(target);
        else ready.delete(target);
      }),
    );
  await check();
  const checking = setInterval(check, checkIntervalMs);

  let turn = 0;
  function next(tried: Set<string>): string | undefined {
    const free = targets.filter((target) => ready.has(target) && !tried.has(target));
    turn += 1;
    return free[turn % free.length];
  }

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer, tried: Set<string>): void {
    const target = next(tried);
    if (target === undefined) {
      outgoing.writeHead(503, { 'retry-after': '1' }).end();
      return;
    }
    const client = incoming.socket.remoteAddress ?? '';
    const headers = { ...incoming.headers, 'x-forwarded-for': client, connection: 'close' };
    const onward = request(new URL(incoming.url ?? '/', target), { method: incoming.method, headers, agent: false });
    onward.on('response', (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    onward.on('error', (error) => {
      // Only a request that was never sent may be sent again: a sent one may have been carried out.
      if ('code' in error && error.code === 'ECONNREFUSED') {
        forward(incoming, outgoing, body, tried.add(target));
      } else if (!outgoing.headersSent) outgoing.writeHead(502).end();
      else outgoing.destroy();
    });
    onward.end(body);
  }

  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    forward(incoming, outgoing, Buffer.concat(chunks), new Set());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      clearInterval(checking);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
