/** Clients that ask and never read the answers. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';

/**
 * Opens connections to a server of this machine, each of which asks for a path so often at once, and reads nothing.
 * Returns what ends them.
 */
export function askWithoutReading(port: number, path: string, connections: number, requests: number): () => void {
  const bytes = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n`.repeat(requests);
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    return socket.on('error', () => {}).pause();
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** Returns the most memory that a process has had so far, in MB. */
export function peakMB(pid: number): number {
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** Returns how many sockets a process has open. */
export function countSockets(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      // It was closed meanwhile.
      return '';
    }
  });
  return links.filter((link) => link.startsWith('socket:')).length;
}
