/** Answers to requests that never reach the app, because Node cannot parse them or they name no URL. */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { App } from './front-door.ts';
import { type Incoming, type Outgoing, Refusal } from './messages.ts';

/** Node keeps the first answer of a connection that is not complete in this property. */
type AnsweringSocket = Socket & { _httpMessage?: ServerResponse | null };

type Problem = { status: number; message: string };

const badRequest: Problem = { status: 400, message: 'This is not an HTTP request.' };

/** The answers by the codes of Node's errors. */
const problems: Record<string, Problem> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive.' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The chunk extensions are too large.' },
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers are too large.' },
};

/** Answers requests that Node cannot parse. Node's own answers to errors lack our headers. */
export function answerBadRequests(server: Server, { refuse }: Pick<App, 'refuse'>): void {
  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    // A server without TLS has plain sockets.
    const socket = stream as AnsweringSocket;
    if (socket.writable && !socket._httpMessage?.headersSent) {
      const { status, message } = problems[error.code ?? ''] ?? badRequest;
      const refusal = new Refusal(status, message, { connection: 'close' });
      socket.write(messageOf(refuse(unreadable(socket), refusal)));
    }
    socket.destroySoon();
  });
}

/**
 * Returns a request without method, target and headers: what Node has read of them is not to be trusted. But if Node has
 * read a whole head, and failed in the body, the answer is to that request. Its `Origin` only lets a page of an allowed
 * origin read the refusal.
 */
function unreadable({ remoteAddress, _httpMessage }: AnsweringSocket): Incoming {
  const origin = _httpMessage?.req.headers.origin ?? null;
  const headers = { get: (name: string) => (name === 'origin' ? origin : null) };
  return { method: '', target: '', headers, peer: remoteAddress ?? null, body: () => '' };
}

/** Returns an answer as it is sent (RFC 9112 section 2.1). The body of a refusal is a text. */
export function messageOf({ status, headers, body }: Outgoing): string {
  const text = typeof body === 'string' ? body : '';
  const length = String(Buffer.byteLength(text));
  const all = { date: new Date().toUTCString(), ...headers, 'content-length': length };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${text}`;
}

/**
 * Returns whether `Host` and the target form a URL. After this check, no code needs to handle one that does not parse.
 */
export function isAddressed({ headers, rawHeaders, url }: IncomingMessage): boolean {
  if (countHosts(rawHeaders) !== 1) return false;
  const host = headers.host ?? '';
  if (!/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(host) || !url?.startsWith('/')) return false;
  return URL.canParse(`http://${host}${url}`);
}

/** Returns whether a request has no `Host` and needs none: HTTP/1.0 has no such header (HAProxy's `option httpchk`). */
export function mayLackHost({ httpVersion, rawHeaders, url }: IncomingMessage): boolean {
  return httpVersion === '1.0' && countHosts(rawHeaders) === 0 && url?.startsWith('/') === true;
}

/**
 * Counts `Host` headers. RFC 9112 section 3.2: two are refused. Node keeps only the first, and a proxy may have used
 * the last.
 */
function countHosts(rawHeaders: string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}
