/** Backends in JavaScript: the programs of docs/verify.md, with the library as it is packed, and libraries for OAuth. */
import { join, resolve } from 'node:path';
import { type Dialect, type Place, ports, type Stack } from '../stack.ts';
import { certificateFile, serveTls } from '../tls.ts';
import { startTunnel } from '../tunnel.ts';

/** The properties of most of these backends. */
const backend = {
  transports: ['COOKIE', 'BEARER'],
  port: ports.application,
  isProxy: false,
  refusesForgery: true,
  removesUnderscores: true,
  programs: [],
} satisfies Partial<Stack>;

export const express = usingLibrary('express', { path: '/orders', userOf: ({ buyer }) => buyer });
export const fastify = usingLibrary('fastify', { path: '/orders', userOf: ({ buyer }) => buyer });
export const hono = usingLibrary('hono', { path: '/orders', userOf: ({ buyer }) => buyer });

/** Every request that may change something is a mutation. An answer without a user becomes 401. */
const dialect: Dialect = {
  toRequest({ method = 'GET', headers = {}, ...plain }) {
    if (method === 'GET') return { ...plain, headers, path: '/graphql?query=%7Bbuyer%7D' };
    return { method: 'POST', path: '/graphql', headers, body: JSON.stringify({ query: 'mutation { buyer: order }' }) };
  },
  toAnswer(answer) {
    const { data, errors } = answer.body;
    const isNobody = JSON.stringify(data) === '{"buyer":null}' && errors === undefined;
    return isNobody ? { ...answer, status: 401 } : { ...answer, body: { ...answer.body, ...Object(data) } };
  },
};

export const yoga = usingLibrary('yoga', { dialect, userOf: ({ buyer }) => buyer });

/** Describes the stack of the program for a framework. */
function usingLibrary(name: string, asking: Pick<Stack, 'path' | 'userOf' | 'dialect'>): Stack {
  return {
    name,
    ...backend,
    ...asking,
    start: (place) => runProgram(place, `test/verify/examples/${name}.ts`),
  };
}

export const oauth4webapi = usingOAuth('oauth4webapi');
export const openidClient = usingOAuth('openid-client');

/** Describes the stack of a library for OAuth. Its program reads bearer tokens only. So no page can forge a request. */
function usingOAuth(name: string): Stack {
  return {
    name,
    ...backend,
    transports: ['BEARER'],
    refusesForgery: false,
    revokes: true,
    async start(place) {
      const tunnel = await startTunnel();
      place.atEnd(tunnel.stop);
      const proxy = { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: tunnel.url };
      await runProgram(place, `examples/stacks/${name}/app.ts`, proxy);
    },
  };
}

/** Runs a program that asks the server by https, as in production: then the library knows the name of the cookie. */
export async function runProgram(place: Place, program: string, network: Record<string, string> = {}): Promise<void> {
  const { folder, clientId, clientSecret, run, atEnd } = place;
  atEnd((await serveTls(folder)).stop);
  const env = {
    ...network,
    AUTH_URL: `https://localhost:${ports.tls}`,
    NODE_EXTRA_CA_CERTS: join(folder, certificateFile),
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    PORT: String(ports.application),
  };
  await run(process.execPath, [resolve(program)], { env, port: ports.application });
}
