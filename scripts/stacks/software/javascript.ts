/** The frameworks of docs/verify.md, with its programs. They use the library as it is packed. */
import { join, resolve } from 'node:path';
import { type Dialect, type Place, ports, type Stack } from '../stack.ts';
import { certificateFile, serveTls } from '../tls.ts';

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
    const { data } = answer.body;
    const isNobody = JSON.stringify(data) === '{"buyer":null}';
    return isNobody ? { ...answer, status: 401 } : { ...answer, body: { ...answer.body, ...Object(data) } };
  },
};

export const yoga = usingLibrary('yoga', { dialect, userOf: ({ buyer }) => buyer });

/** Describes the stack of the program for a framework. */
function usingLibrary(name: string, asking: Pick<Stack, 'path' | 'userOf' | 'dialect'>): Stack {
  return {
    name,
    transports: ['COOKIE', 'BEARER'],
    port: ports.application,
    isProxy: false,
    refusesForgery: true,
    removesUnderscores: true,
    programs: [],
    start: (place) => runProgram(place, `test/verify/examples/${name}.ts`),
    ...asking,
  };
}

/** Runs a program that asks the server by https, as in production: then the library knows the name of the cookie. */
async function runProgram({ folder, clientId, clientSecret, run, atEnd }: Place, program: string): Promise<void> {
  atEnd((await serveTls(folder)).stop);
  const env = {
    AUTH_URL: `https://localhost:${ports.tls}`,
    NODE_EXTRA_CA_CERTS: join(folder, certificateFile),
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    PORT: String(ports.application),
  };
  await run(process.execPath, [resolve(program)], { env, port: ports.application });
}
