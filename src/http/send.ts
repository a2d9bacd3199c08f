import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Exchange } from './connections.ts';
import type { Outgoing } from './messages.ts';

/** Sends an answer that is a text, or none. */
export function sendText({ status, headers, body }: Outgoing, response: ServerResponse): void {
  if (typeof body === 'string') headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(status, headers).end(body ?? undefined);
}

/**
 * Sends a stream as fast as the client reads it, so that a client that does not read costs at most one chunk. Resolves
 * when the stream has ended, or was cancelled because the connection did. Node buffers what is written to the second of
 * several answers on a connection until the first is sent (pipelining). So nothing is read from the body before its turn.
 * The timeout of the socket stays unchanged, and ends a connection that stands still.
 */
export async function sendStream(
  { status, headers }: Outgoing,
  body: ReadableStream<Uint8Array>,
  { response, closed, hold }: Exchange,
): Promise<void> {
  const reader = body.getReader();
  let isClosed = false;
  // A client that disconnects ends the stream, even while the stream waits.
  const cancelled = closed.then(() => {
    isClosed = true;
    return reader.cancel();
  });
  cancelled.catch(() => {});
  response.writeHead(status, headers);
  if (response.socket === null) await Promise.race([once(response, 'socket'), closed]);
  while (!isClosed) {
    const { done, value } = await reader.read();
    if (done || isClosed) break;
    if (response.write(value)) continue;
    hold(value.byteLength);
    await Promise.race([once(response, 'drain'), closed]);
    hold(-value.byteLength);
  }
  if (!isClosed) response.end();
}
