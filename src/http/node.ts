/** The adapter for Node's requests. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Body } from './body.ts';
import type { Exchange } from './connections.ts';
import type { Incoming } from './messages.ts';
import type { HeaderReader } from './request/headers.ts';

/**
 * Returns a request of Node's as a plain value, with its complete body. Null is a body that is too large. Make a new value
 * when the body is there: changing one that was made before costs a quarter of the time of a request.
 */
export function toIncoming({ method = '', url = '', headers, socket }: IncomingMessage, body: string | null): Incoming {
  return {
    method,
    target: url,
    headers: new NodeHeaders(headers),
    peer: socket.remoteAddress ?? null,
    body: () => body,
  };
}

class NodeHeaders implements HeaderReader {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(name: string): string | null {
    const value = this.#headers[name];
    // Node has a list for Set-Cookie only, and nothing reads that header of a request.
    return typeof value === 'string' ? value : null;
  }
}

/**
 * Calls `use` with the complete body of a request, or with null as soon as it is too large. Never calls it if the
 * request is aborted.
 */
export function collectBody(request: IncomingMessage, exchange: Exchange, use: (body: string | null) => void): void {
  const body = new Body();
  let isTooLarge = false;
  request.on('data', (piece: Buffer) => {
    if (isTooLarge) return;
    if (body.add(piece)) exchange.hold(piece.length);
    else {
      isTooLarge = true;
      use(null);
    }
  });
  request.once('end', () => {
    if (!isTooLarge) use(body.text());
  });
}
