/** An application behind a proxy. It knows its users only from the headers of the proxy, and tells what it got. */
import { createServer } from 'node:http';
import { ports } from './stack.ts';

/** Starts the application. Its answers are JSON: the user, and the request as it arrived. */
export async function startApplication(): Promise<{ stop(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method, url, headers } = request;
    const status = url === '/broken' ? 500 : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ userId: headers['x-auth-user-id'] ?? null, method, headers, body }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(ports.application, '127.0.0.1', resolve);
  });
  return {
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
