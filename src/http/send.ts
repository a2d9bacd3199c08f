import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Outgoing } from './messages.ts';

/**
 * Sends an answer. A stream is sent as fast as the client reads it, and the promise resolves when the stream has ended.
 */
export async function send({ status, headers, body }: Outgoing, response: ServerResponse): Promise<void> {
  if (body instanceof ReadableStream) {
    response.writeHead(status, headers);
    return sendStream(body, response);
  }
  if (body !== null) headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(status, headers).end(body ?? undefined);
}

/**
 * Sends a stream so that a client that does not read costs at most one chunk. Node buffers what is written to the
 * second of several answers on a connection until the first is sent (pipelining). So nothing is read from the body
 * before its turn. The timeout of the socket stays unchanged, and ends a connection that stands still.
 */
async function sendStream(body: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
  // If the connection ends first, nothing refers to this promise any more, and it is collected with the connection.
  if (response.socket === null) await once(response, 'socket');
  const reader = body.getReader();
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  // A client that disconnects ends the stream, even while the stream waits.
  closed.then(() => reader.cancel()).catch(() => {});
  for (;;) {
    const { done, value } = await reader.read();
    if (done || response.destroyed) break;
    if (!response.write(value)) await Promise.race([once(response, 'drain'), closed]);
  }
  response.end();
}
