/** The memory that open connections hold, and its limits. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * The maximum number of requests on one connection before the first is answered (pipelining, RFC 9112 section 9.3.2).
 * Browsers and most libraries wait for each answer. One packet may contain hundreds, each with its own objects.
 */
export const maxPipelined = 16;

/** The maximum number of bytes of bodies that are incomplete or waiting, and of answers that clients have not read. */
export const maxHeldBytes = 64 * 1024 * 1024;

type Connection = {
  inFlight: number;
  held: number;
  /** The moment when the connection began to hold bytes, as a count of such moments. */
  since: number;
  isOpen: boolean;
  closed: Promise<void>;
};

/** A request with its answer. */
export type Exchange = {
  response: ServerResponse;
  /** Resolves when the connection has ended, also for an answer that waits for others. */
  closed: Promise<void>;
  /** Counts bytes that stay in memory until the answer is sent or the connection ends. */
  hold(bytes: number): void;
};

export class Connections {
  readonly #open = new Map<Socket, Connection>();
  #held = 0;
  #moments = 0;

  constructor(server: Server) {
    server.on('connection', (socket) => {
      // It comes again if its upgrade was not taken.
      if (this.#open.has(socket)) return;
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const connection = { inFlight: 0, held: 0, since: 0, isOpen: true, closed };
      this.#open.set(socket, connection);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#hold(connection, -connection.held);
        connection.isOpen = false;
        resolve();
      });
    });
  }

  /**
   * Counts a request until it is answered. Returns null, and the request gets no answer, if too many others on its
   * connection are in flight: the connection is closed, because an answer would have to wait for theirs.
   */
  admit({ socket }: IncomingMessage, response: ServerResponse): Exchange | null {
    const connection = this.#open.get(socket);
    // The rest of a packet is delivered even after its connection was closed.
    if (!connection || socket.destroyed) return null;
    if (connection.inFlight === maxPipelined) {
      socket.destroy();
      return null;
    }
    connection.inFlight += 1;
    let held = 0;
    // Node emits no event for answers that wait for others when the connection ends. Then nothing is counted any more.
    response.on('close', () => {
      connection.inFlight -= 1;
      this.#hold(connection, -held);
    });
    return {
      response,
      closed: connection.closed,
      hold: (bytes) => {
        held += bytes;
        this.#hold(connection, bytes);
      },
    };
  }

  /** Returns whether requests of a connection are not answered yet. */
  isAnswering(socket: Socket): boolean {
    return (this.#open.get(socket)?.inFlight ?? 0) > 0;
  }

  /** Returns a function that counts bytes of a connection that stay in memory, and with a negative number, no more. */
  holder(socket: Socket): (bytes: number) => void {
    const connection = this.#open.get(socket);
    return (bytes) => {
      if (connection) this.#hold(connection, bytes);
    };
  }

  /** Closes connections that have sent nothing yet, because Node counts them as busy. */
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

  /**
   * Closes the connections that have held bytes for the longest time, until half of the limit is free. Those that hold
   * no more than an equal share of the other half stay: a small answer may only lack the moment to be sent.
   */
  #endOldest(): void {
    const holding = [...this.#open].filter(([, { held }]) => held > 0);
    const larger = holding.filter(([, { held }]) => held > maxHeldBytes / 2 / holding.length);
    larger.sort(([, one], [, other]) => one.since - other.since);
    for (const [socket, connection] of larger) {
      if (this.#held <= maxHeldBytes / 2) return;
      this.#hold(connection, -connection.held);
      connection.isOpen = false;
      socket.destroy();
    }
  }
}
