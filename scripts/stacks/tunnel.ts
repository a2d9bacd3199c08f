/** The network of a backend that uses the public address of the server. */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { applicationHost } from '../checks/client.ts';
import { ports } from './stack.ts';

/**
 * Starts a proxy (CONNECT, RFC 9110 section 9.3.6) that knows one host: connections to that of PUBLIC_URL lead to the
 * server with TLS. Returns its address.
 */
export async function startTunnel(): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((_, response) => void response.writeHead(404).end());
  server.on('connect', ({ url }, client) => {
    if (url !== `${applicationHost}:443`) {
      client.end('HTTP/1.1 502 Unknown host\r\n\r\n');
      return;
    }
    const onward = connect(ports.tls, '127.0.0.1', () => client.write('HTTP/1.1 200 Connected\r\n\r\n'));
    // Either end may go away.
    for (const [end, other] of [[client, onward] as const, [onward, client] as const]) {
      end.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
    client.pipe(onward).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => new Promise((resolve) => server.close(() => resolve())) };
}
