import { connect } from 'node:net';

/**
 * Sends bytes to a server of this machine, and returns the whole answer until the server ends the connection.
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

/** The framing of a body. */
export const framings = ['Content-Length', 'chunks'] as const;

/** Returns an operation as bytes, with one of the framings. */
export function rawOperation(framing: (typeof framings)[number], query: string, headers: string[] = []): string {
  const body = JSON.stringify({ query });
  const [framed, content] =
    framing === 'Content-Length'
      ? [`Content-Length: ${Buffer.byteLength(body)}`, body]
      : ['Transfer-Encoding: chunked', `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`];
  const lines = ['Content-Type: application/json', 'Connection: close', framed, ...headers];
  return `POST /graphql HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${content}`;
}
