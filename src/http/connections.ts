/** What open connections hold in memory, and the limits on it. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Requests that a client may send on one connection before the first of them is answered (pipelining, RFC 9112 section
 * 9.3.2). Browsers and most libraries wait for each answer. One packet may bring hundreds, each with objects of its own.
 */
export const maxPipelined = 16;

/** Bytes of bodies that have not arrived whole, or wait, and of answers that clients have not read. */
export const maxHeldBytes = 64 * 1024 * 1024;

type Connection = {
  inFlight: number;
  held: number;
  /** When it began to hold something, by a count of such moments. */
  since: number;
  isOpen: boolean;
};

/** One request with its answer. */
export type Exchange = {
  response: ServerResponse;
  /** Counts bytes that are in memory until the answer is sent or the connection ends. */
  hold(bytes: number): void;
};

export class Connections {
  readonly #open = new Map<Socket, Connection>();
  #held = 0;
  #moments = 0;

  constructor(server: Server) {
    server.on('connection', (socket) => {
      const connection = { inFlight: 0, held: 0, since: 0, isOpen: true };
      this.#open.set(socket, connection);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#hold(connection, -connection.held);
        connection.isOpen = false;
      });
    });
  }

  /**
   * Counts a request until it is answered. Null for one that is not to be answered, because too many others on its
   * connection are in flight: the connection is ended, as an answer would have to wait for theirs.
   */
  admit({ socket }: IncomingMessage, response: ServerResponse): Exchange | null {
    const connection = this.#open.get(socket);
    // What a packet brought besides is handed on although its connection is ended.
    if (!connection || socket.destroyed) return null;
    if (connection.inFlight === maxPipelined) {
      socket.destroy();
      return null;
    }
    connection.inFlight += 1;
    let held = 0;
    // Of answers that wait for others, Node says nothing when the connection ends; then nothing is counted any more.
    response.on('close', () => {
      connection.inFlight -= 1;
      this.#hold(connection, -held);
    });
    return {
      response,
      hold: (bytes) => {
        held += bytes;
        this.#hold(connection, bytes);
      },
    };
  }

  /** Ends connections on which nothing has come yet: Node counts them as busy. */
  endUnused(): void {
    for (const socket of this.#open.keys()) if (socket.bytesRead === 0) socket.destroy();
  }

  #hold(connection: Connection, bytes: number): void {
    if (bytes === 0 || !connection.isOpen) return;
    if (connection.held === 0) {
      this.#moments += 1;
      connection.since = this.#moments;
    }
    connection.held += bytes;
    this.#held += bytes;
    if (this.#held > maxHeldBytes) this.#endOldest();
  }

  /** Ends the connections that have held something longest, until half of the limit is free. */
  #endOldest(): void {
    const holding = [...this.#open].filter(([, { held }]) => held > 0);
    holding.sort(([, one], [, other]) => one.since - other.since);
    for (const [socket, connection] of holding) {
      if (this.#held <= maxHeldBytes / 2) return;
      this.#hold(connection, -connection.held);
      connection.isOpen = false;
      socket.destroy();
    }
  }
}
