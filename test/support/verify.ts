import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createApp } from '../../src/http/front-door.ts';
import { listen } from '../../src/http/server.ts';
import { startStreams } from '../../src/server/streams.ts';
import type { VerifierOptions } from '../../src/verify/verifier.ts';
import { type Settings, startApi, type TestApi } from './api.ts';
import { createService } from './oauth.ts';

/** A server on a port of its own, with a service client that may ask about sessions. */
export type VerifyingServer = {
  api: TestApi;
  /** The options of a verifier for this server. */
  options: VerifierOptions;
  /** The bodies of the requests for introspection. */
  questions: string[];
  /** Makes the database fail from now on, or work again. */
  database: { isDown: boolean };
};

/** Starts a server, until the test ends. */
export async function startVerifyingServer(settings: Settings = {}): Promise<VerifyingServer> {
  const api = await startApi(settings);
  const { clientId, secret } = await createService(api, 'introspect', 'session-data', 'events');
  const state = { isDown: false };
  const $findSession: typeof api.database.$findSession = async (...keys) => {
    if (state.isDown) throw new Error('Connection terminated unexpectedly');
    return api.database.$findSession(...keys);
  };
  // The extended client has all properties of the one that it extends.
  const database = api.database.$extends({ client: { $findSession } }) as unknown as typeof api.database;
  const report = (error: unknown) => api.reported.push(error);
  const now = () => api.clock.now;
  const streams = startStreams({ database: api.database, clock: { now, stop: () => {} } }, api.config, report);
  const app = createApp({ database, config: api.config, report, now, streams });
  const questions: string[] = [];
  const handle: typeof app.handle = async (incoming) => {
    if (incoming.target === '/oauth/introspect') questions.push((await incoming.body()) ?? '');
    return app.handle(incoming);
  };
  const { port, stop } = await listen({ ...app, handle }, { host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await streams.stop();
    await stop();
  });
  const url = `http://127.0.0.1:${port}`;
  return { api, options: { url, clientId, clientSecret: secret, timeoutMs }, questions, database: state };
}

/** In milliseconds: only for a server that hangs. On a busy machine, an answer takes many times as long. */
const timeoutMs = 60_000;

/** The options of a verifier for a server that does not check its credentials. */
export const anyClient = { clientId: 'id', clientSecret: 'secret', timeoutMs };

/** Starts a server that answers every request by a function, until the test ends. Returns its address. */
export async function startFake(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A server that listens on TCP has an address with a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The body of an answer about an anonymous session. */
export const anonymous = JSON.stringify({ active: true, sid: 'handle', token_type: 'Bearer', iat: 1, exp: 2 });
