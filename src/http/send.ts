import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/**
 * Sends an answer as fast as the client reads it, so that a client that does not read costs no more than one chunk. Node
 * keeps in memory what is written to the second of several answers on a connection until the first is sent (pipelining).
 * So nothing of a body is read before its turn has come. The timeout of the socket stays as it is, and ends a connection
 * that stands still.
 */
export async function send(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(pairs(answer.headers)));
  if (answer.body === null) {
    response.end();
    return;
  }
  // Where the connection ends first, nothing refers to this promise any more, and it goes with the connection.
  if (response.socket === null) await once(response, 'socket');
  const reader = answer.body.getReader();
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  // A client that goes away ends the stream, whatever it waits for.
  closed.then(() => reader.cancel()).catch(() => {});
  for (;;) {
    const { done, value } = await reader.read();
    if (done || response.destroyed) break;
    if (!response.write(value)) await Promise.race([once(response, 'drain'), closed]);
  }
  response.end();
}

function pairs(headers: Headers): [string, string | string[]][] {
  const cookies = headers.getSetCookie();
  const others = [...headers].filter(([name]) => name !== 'set-cookie');
  return cookies.length === 0 ? others : [...others, ['set-cookie', cookies]];
}
