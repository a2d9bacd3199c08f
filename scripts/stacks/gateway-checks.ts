/** More checks for GraphQL gateways: cookies both ways, and the fields of the server. */
import assert from 'node:assert/strict';
import type { Answer, Send } from '../checks/client.ts';
import type { Act, Check, Context } from './checks.ts';
import { type Member, password, send, signUp } from './client.ts';

/** Sends an operation through the gateway. */
async function operate({ stack }: Context, query: string, { headers, ...init }: Send = {}): Promise<Answer> {
  const type = { 'content-type': 'application/json' };
  const body = JSON.stringify({ query });
  return send(stack.port, { method: 'POST', path: '/graphql', body, ...init, headers: { ...type, ...headers } });
}

function codesOf({ body }: Answer): unknown[] {
  const errors = body.errors as { extensions: { code: string } }[] | undefined;
  return (errors ?? []).map(({ extensions }) => extensions.code);
}

/** The gateway may send one request for equal operations that arrive together, but not for two users. */
const joined: Act = async (context, transport) => {
  const members = await Promise.all([signUp(context.stack, transport), signUp(context.stack, transport)]);
  const ask = async ({ credential }: Member) => {
    const { body } = await operate(context, '{ buyer viewer { email } }', { headers: credential });
    return body.data;
  };
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(members[n % 2] as Member)));
  const expected = answers.map((_, n) => {
    const { email } = members[n % 2] as Member;
    return { buyer: email, viewer: { email } };
  });
  assert.deepEqual(answers, expected);
};

const cookies: Act = async (context) => {
  const { email } = await signUp(context.stack, 'COOKIE');
  const login = `mutation { login(email: "${email}", password: "${password}", transport: COOKIE) { __typename } }`;
  const { headers } = await operate(context, login);
  const names = [headers['set-cookie'] ?? []].flat().map((line) => line.split('=')[0]);
  assert.deepEqual(names.sort(), ['__Host-device', '__Host-session']);
};

const antiCsrf: Act = async (context) => {
  const { credential, ask } = await signUp(context.stack, 'COOKIE');
  const logout = 'mutation { logout { revokedSessionId } }';
  assert.deepEqual(codesOf(await operate(context, logout, { headers: credential })), ['CSRF_TOKEN_INVALID']);
  await ask(logout);
  const { body } = await operate(context, '{ viewer { id } }', { headers: credential });
  assert.deepEqual(body, { data: { viewer: null } });
};

/** Also not pages of sibling domains, whose requests carry the cookie. */
const otherOrigins: Act = async (context) => {
  const { credential } = await signUp(context.stack, 'COOKIE');
  const headers = { ...credential, origin: 'https://evil.example.com', 'sec-fetch-site': 'same-site' };
  const answer = await operate(context, '{ viewer { email } }', { headers });
  assert.deepEqual(codesOf(answer), ['FORBIDDEN']);
  assert.deepEqual(
    Object.keys(answer.headers).filter((name) => name.startsWith('access-control-')),
    [],
  );
};

const address: Act = async (context) => {
  const forged = { 'x-forwarded-for': '192.0.2.1' };
  const init = { headers: forged, localAddress: '127.0.0.2' };
  const query = 'mutation { startSession(transport: BEARER) { token session { ipAddress } } }';
  const { body } = await operate(context, query, init);
  const { startSession } = body.data as { startSession: { session: unknown } };
  assert.deepEqual(startSession.session, { ipAddress: '127.0.0.2' });
};

const unavailable: Act = async (context, transport) => {
  const { credential } = await signUp(context.stack, transport);
  await context.accounts.stopDatabase();
  let answer: Answer;
  try {
    answer = await operate(context, '{ viewer { id } }', { headers: credential });
  } finally {
    await context.accounts.restartDatabase();
  }
  assert.deepEqual(codesOf(answer), ['SERVICE_UNAVAILABLE']);
};

const appliesTo: Check['appliesTo'] = ({ isGateway }) => isGateway === true;

export const gatewayChecks: Check[] = [
  { name: 'two users at once, in the server and the backend', appliesTo, act: joined },
  { name: 'cookies of a login', transports: ['COOKIE'], appliesTo, act: cookies },
  { name: 'anti-csrf', transports: ['COOKIE'], appliesTo, act: antiCsrf },
  { name: 'pages of other origins: refused', transports: ['COOKIE'], appliesTo, act: otherOrigins },
  { name: 'address of the client', transports: ['BEARER'], appliesTo, act: address },
  { name: 'database down: no verdict in the fields of the server', appliesTo, act: unavailable },
];
