/** One WebSocket: its messages, its heartbeats, and the limits on its memory. */
import type { WebSocket as GraphQLSocket } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { closeCodes } from './close-codes.ts';

/** The interval of pings. A client that does not answer one before the next is gone. */
const pingMs = 12_000;

/**
 * The maximum number of messages that wait for the client to read them: one for each subscription, and answers to
 * pings and the like. A client that sends without reading would fill the memory otherwise.
 */
const maxUnsent = 16;

/** RFC 6455 section 5.5. Reasons with a text of the client may be longer. */
const maxReasonBytes = 123;

export type SocketParts = {
  /** Counts bytes that wait for the client to read them. */
  hold(bytes: number): void;
  report(error: unknown): void;
};

/** Returns a WebSocket in the form that the protocol takes, and reads its messages until it closes. */
export function toGraphQLSocket(socket: WebSocket, { hold, report }: SocketParts): GraphQLSocket {
  let unsent = 0;
  const onSent = (bytes: number) => () => {
    unsent -= 1;
    hold(-bytes);
  };
  /** Returns whether one more message may wait. If not, the connection ends. */
  function mayAdd(bytes: number): boolean {
    if (unsent >= maxUnsent) socket.terminate();
    if (socket.readyState !== socket.OPEN) return false;
    unsent += 1;
    hold(bytes);
    return true;
  }

  keepAlive(socket);
  // Pings of clients are answered here, and not by `ws`, which would keep any number of answers.
  socket.on('ping', (data) => {
    if (mayAdd(data.length)) socket.pong(data, false, onSent(data.length));
  });
  // `ws` closes the connection with the code of the error.
  socket.on('error', () => {});
  return {
    protocol: socket.protocol,
    send: (data) =>
      new Promise((resolve) => {
        const bytes = Buffer.byteLength(data);
        if (!mayAdd(bytes)) return resolve();
        const sent = onSent(bytes);
        socket.send(data, () => {
          sent();
          resolve();
        });
      }),
    close: (code, reason = '') => socket.close(code, Buffer.byteLength(reason) > maxReasonBytes ? '' : reason),
    onMessage(handle) {
      socket.on('message', (data, isBinary) => {
        // A client that was refused, or whose session ended, may send until it closes its side too.
        if (socket.readyState !== socket.OPEN) return undefined;
        if (isBinary) return socket.close(closeCodes.badRequest, 'Messages are JSON in text frames.');
        return void handle(String(data)).catch((error) => {
          // The library throws for a type of message that only servers send.
          const isUnexpected = error instanceof Error && error.message.startsWith('Unexpected message of type');
          if (!isUnexpected) report(error);
          socket.close(isUnexpected ? closeCodes.badRequest : closeCodes.internalError);
        });
      });
    },
  };
}

/** Sends pings, which keep the connection open at proxies, and ends it when the client is gone. */
function keepAlive(socket: WebSocket): void {
  let isAlive = true;
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    return socket.ping();
  }, pingMs).unref();
  socket.on('pong', () => {
    isAlive = true;
  });
  socket.once('close', () => clearInterval(timer));
}
