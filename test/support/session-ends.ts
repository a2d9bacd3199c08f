import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished } from 'vitest';
import { timing } from '../../src/verify/sockets/timing.ts';
import { createVerifier, type Verifier, type VerifierOptions } from '../../src/verify/verifier.ts';
import { anyClient } from './verify.ts';

/** The connection of a verifier that follows the ends of sessions. */
export type FakeStream = {
  /** The cursor that it continues after. */
  after: string | null;
  key: string | undefined;
  query: string;
  isOpen: boolean;
  response: ServerResponse;
  /** Sends a message. Without ends, it has only a cursor. */
  send(cursor: string, ...ends: [type: string, handle: string][]): void;
};

/** A server that tells the ends of sessions as a test wants it, and who asks it. */
export class FakeServer {
  readonly streams: FakeStream[] = [];
  /** The tokens of live sessions, with their claims. */
  readonly live = new Map<string, Record<string, unknown>>();
  /** The tokens that were asked for, each with `touch`. */
  readonly questions: [token: string | null, touch: string | null][] = [];
  /** The errors that the verifier reported. */
  readonly errors: unknown[] = [];
  /** Answers a new stream. By default, it gets a cursor. */
  onStream: (stream: FakeStream) => void = (stream) => stream.send('0');
  /** Answers a question instead of the server. */
  onQuestion: ((response: ServerResponse, token: string) => void) | null = null;
  #server: Server = createServer();
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    // A server that listens on TCP has an address with a port.
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Ends as a killed process does: its connections break, and nobody listens. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Adds a live session, and returns the headers of its requests. */
  addSession(handle: string, claims: Record<string, unknown> = {}): { authorization: string } {
    const now = Math.floor(Date.now() / 1_000);
    const user = { sub: 'user', email: 'ada@example.com', email_verified: false, role: 'user' };
    this.live.set(handle, { active: true, sid: handle, iat: now, exp: now + 3_600, ...user, ...claims });
    return { authorization: `Bearer ${handle}` };
  }

  verifier(options: Partial<VerifierOptions> = {}): Verifier {
    const onError = (error: unknown) => this.errors.push(error);
    const verifier = createVerifier({ url: this.url, ...anyClient, onError, ...options });
    onTestFinished(() => verifier.stop());
    return verifier;
  }

  /** Waits for the next stream that is open, and returns it. */
  async stream(): Promise<FakeStream> {
    return expect
      .poll(() => this.streams.at(-1))
      .toSatisfy((stream) => stream?.isOpen === true)
      .then(() => this.streams.at(-1) as FakeStream);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (request.url === '/oauth/introspect') {
      const form = new URLSearchParams(body);
      const token = form.get('token') ?? '';
      this.questions.push([token, form.get('touch')]);
      if (this.onQuestion) this.onQuestion(response, token);
      else response.end(JSON.stringify(this.live.get(token) ?? { active: false }));
      return;
    }
    const { query, variables } = JSON.parse(body);
    const key = request.headers['x-service-key']?.toString();
    const stream: FakeStream = {
      after: variables.after,
      key,
      query,
      isOpen: true,
      response,
      send(cursor, ...ends) {
        if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
        const events = ends.map(([type, sessionHandle]) => ({ type, sessionHandle }));
        response.write(`event: next\ndata: ${JSON.stringify({ data: { adminEvents: { cursor, events } } })}\n\n`);
      },
    };
    response.on('close', () => {
      stream.isOpen = false;
    });
    this.streams.push(stream);
    this.onStream(stream);
  }
}

/** Starts a fake server, until the test ends. */
export async function startFakeServer(): Promise<FakeServer> {
  const server = new FakeServer();
  await server.start();
  onTestFinished(() => server.kill());
  return server;
}

/**
 * Verifies a session, which is new unless the server has it, and watches a socket in it. Returns the reasons for which
 * the socket was closed, and the function that forgets it.
 */
export async function openSocket(
  server: FakeServer,
  { verify, closeWith }: Pick<Verifier, 'verify' | 'closeWith'>,
  handle: string,
  close = () => {},
): Promise<{ reasons: string[]; forget: () => void }> {
  const isNew = !server.live.has(handle);
  const auth = await verify(isNew ? server.addSession(handle) : { authorization: `Bearer ${handle}` });
  if (auth === null) throw new Error(`${handle} is not live.`);
  const reasons: string[] = [];
  const forget = closeWith(auth.session, (reason) => {
    reasons.push(reason);
    close();
  });
  return { reasons, forget };
}

/** A network between a verifier and a server that can be cut. */
export type Network = { url: string; cut(): Promise<void>; mend(): Promise<void> };

/** Starts a network that leads to a server, until the test ends. */
export async function startNetwork(to: URL): Promise<Network> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((client) => {
    const upstream = connect(Number(to.port), to.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  async function cut(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  }
  onTestFinished(cut);
  return { url: `http://127.0.0.1:${port}`, cut, mend: () => listen(port) };
}

/** Shortens times of the library, until the test ends. */
export function shorten(times: Partial<typeof timing>): void {
  const before = { ...timing };
  Object.assign(timing, times);
  onTestFinished(() => void Object.assign(timing, before));
}
