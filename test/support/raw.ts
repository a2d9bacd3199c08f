import { connect } from 'node:net';

/**
 * Sends bytes as they are to a server of this machine, and returns all that comes back until it ends the connection.
 * Each character is one byte, as in HTTP's own headers.
 */
export function sendRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

/** The two ways in: an operation that says how long it is goes by the fast path, one in chunks by `App.fetch`. */
export const lanes = ['fast path', 'App.fetch'] as const;

/** An operation as bytes, for one way in or the other. */
export function rawOperation(lane: (typeof lanes)[number], query: string, headers: string[] = []): string {
  const body = JSON.stringify({ query });
  const [framing, framed] =
    lane === 'fast path'
      ? [`Content-Length: ${Buffer.byteLength(body)}`, body]
      : ['Transfer-Encoding: chunked', `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`];
  const lines = ['Content-Type: application/json', 'Connection: close', framing, ...headers];
  return `POST /graphql HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${framed}`;
}
