/** Clients that make a server hold their requests, or answers that they never read. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { getIntrospectionQuery } from 'graphql';

/**
 * Opens connections to a server of this machine that each send many requests for a path, and read nothing. Returns a
 * function that ends them.
 */
export function askWithoutReading(port: number, path: string, connections: number, requests: number): () => void {
  const bytes = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n`.repeat(requests);
  return holdOpen(port, bytes, connections);
}

/** Opens connections to a server of this machine that send bytes and read nothing. Returns a function to end them. */
export function holdOpen(port: number, bytes: string, connections: number): () => void {
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    return socket.on('error', () => {}).pause();
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

const introspection = JSON.stringify({ query: getIntrospectionQuery() });
const post = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const withLength = `${post}Content-Length: ${introspection.length}\r\n\r\n${introspection}`;
const byGet = `GET /graphql?query=${encodeURIComponent(getIntrospectionQuery())} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/** Requests that make a server hold as much as possible. No body is complete. */
export const holdingRequests: Record<string, string> = {
  'a body in chunks of one byte': `${post}Transfer-Encoding: chunked\r\n\r\n${'1\r\n \r\n'.repeat(60_000)}`,
  'a body that the server does not read, in chunks of one byte': `${post.replace('/graphql', '/ready')}Transfer-Encoding: chunked\r\n\r\n${'1\r\n \r\n'.repeat(60_000)}`,
  'all of a body but its end': `${post}Content-Length: 65536\r\n\r\n${' '.repeat(65_000)}`,
  '300 requests for the schema by POST': withLength.repeat(300),
  '16 requests for the schema by POST': withLength.repeat(16),
  '16 requests for the schema by GET': byGet.repeat(16),
  '16 small requests': `${post}Content-Length: 24\r\n\r\n{"query":"{viewer{id}}"}`.repeat(16),
};

/**
 * Returns the status of an answer, over a connection of its own. A busy server may close a kept connection at the moment
 * when its next request arrives.
 */
export function statusOf(url: URL): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const answered = get(url, { agent: false }, (response) => resolve(response.resume().statusCode));
    answered.on('error', reject);
  });
}

/** Returns the maximum memory of a process so far, in MB. */
export function peakMB(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** Returns the number of open sockets of a process. */
export function countSockets(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // It was closed in the meantime.
      return '';
    }
  });
  return links.filter((link) => link.startsWith('socket:')).length;
}
