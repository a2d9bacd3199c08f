import { createLocalJWKSet, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose';
import { commandScope, type ServiceScope } from '../../src/scope.ts';
import { createServiceClient } from '../../src/service-clients/service-client.ts';
import { type Data, type Settings, startApi, type TestApi } from './api.ts';
import { encryptionKeysOf } from './encryption-keys.ts';
import { basic } from './oauth.ts';

export const pollPath = '/security-events/poll';
export const caep = 'https://schemas.openid.net/secevent/caep/event-type';
export const risc = 'https://schemas.openid.net/secevent/risc/event-type';

export type PollAnswer = { status: number; headers: Headers; body: Data };

/** A service client that polls. */
export type TestReceiver = {
  clientId: string;
  secret: string;
  authorization: string;
  /** Sends a poll. By default, one that does not wait. A text is sent as it is. */
  poll(body?: object | string, headers?: Record<string, string>): Promise<PollAnswer>;
  /** Polls, verifies the tokens and returns their claims, without acknowledging them. */
  receive(body?: object): Promise<JWTPayload[]>;
  /** Does the same until nothing is left, and acknowledges all. */
  drain(): Promise<JWTPayload[]>;
};

/** Starts a server that signs. */
export function startSigningApi(settings: Settings = {}): Promise<TestApi> {
  return startApi({ encryptionKeys: encryptionKeysOf(), ...settings });
}

/** Creates a receiver whose stream has begun. */
export async function startReceiver(api: TestApi, name = 'receiver', ...scopes: ServiceScope[]): Promise<TestReceiver> {
  const receiver = await createReceiver(api, name, ...scopes);
  await receiver.poll();
  return receiver;
}

/** Creates a receiver that has not polled yet. It has the scope `events` unless others are given. */
export async function createReceiver(
  api: TestApi,
  name = 'receiver',
  ...scopes: ServiceScope[]
): Promise<TestReceiver> {
  const input = { name, scopes: scopes.length > 0 ? scopes : ['events'] };
  const { client, secret } = await createServiceClient(api.database, commandScope(api.clock.now), input);
  const authorization = basic(client.clientId, secret);

  async function poll(body: object | string = {}, headers: Record<string, string> = {}): Promise<PollAnswer> {
    const text = typeof body === 'string' ? body : JSON.stringify({ returnImmediately: true, ...body });
    const response = await api.app.fetch(
      new Request(new URL(pollPath, api.config.publicUrl), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization, ...headers },
        body: text,
      }),
    );
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  async function receive(body: object = {}): Promise<JWTPayload[]> {
    const { sets } = (await poll(body)).body;
    const verified = Object.values<string>(sets).map((token) => verifySet(api, token, client.clientId));
    return (await Promise.all(verified)).map(({ payload }) => payload);
  }

  async function drain(): Promise<JWTPayload[]> {
    const all: JWTPayload[] = [];
    for (let ack: string[] = []; ; ) {
      const received = await receive({ ack });
      if (received.length === 0) return all;
      all.push(...received);
      ack = received.map(({ jti }) => String(jti));
    }
  }

  return { clientId: client.clientId, secret, authorization, poll, receive, drain };
}

/** Verifies a token as a receiver does, with the JWK Set that the server publishes now. */
export async function verifySet(api: TestApi, token: string, audience: string): Promise<JWTVerifyResult> {
  const response = await api.app.fetch(new Request(new URL('/.well-known/jwks.json', api.config.publicUrl)));
  return jwtVerify(token, createLocalJWKSet((await response.json()) as Data), {
    issuer: api.config.publicUrl.origin,
    audience,
    typ: 'secevent+jwt',
    algorithms: ['ES256'],
    currentDate: api.clock.now,
  });
}

/** Returns the only event of a token: its type, and its claims. */
export function eventOf(payload: JWTPayload): { type: string; claims: Data } {
  const [[type = '', claims] = [], ...others] = Object.entries(payload.events as Data);
  if (others.length > 0) throw new Error('The token has several events.');
  return { type, claims };
}
