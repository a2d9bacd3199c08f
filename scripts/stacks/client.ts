/** Clients of the application: browsers with a cookie, and programs with a bearer token. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { applicationHost, ports, type Stack, type Transport } from './stack.ts';

export const browser = 'Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0';

export type Answer = { status: number; headers: NodeJS.Dict<string | string[]>; body: Record<string, unknown> };

export type Send = { method?: string; path?: string; headers?: Record<string, string>; body?: string };

/** Sends one request to a port, for the host of the application. A body that is no JSON is left out of the answer. */
export async function send(
  port: number,
  { method = 'GET', path = '/', headers = {}, body = '' }: Send,
): Promise<Answer> {
  const length = method === 'GET' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const sent = { host: applicationHost, 'user-agent': browser, ...length, ...headers };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port, host: '127.0.0.1', method, path, headers: sent, agent: false },
      async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parse(text) });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** A signed-in user. */
export type Member = {
  userId: string;
  email: string;
  /** The header that carries the token. */
  credential: Record<string, string>;
  /** Sends a GraphQL operation, and returns its data. */
  ask(query: string): Promise<Record<string, unknown>>;
};

let members = 0;

/** Signs up a new user. Behind a proxy that passes `/graphql` on, this request goes through the proxy too. */
export async function signUp(stack: Stack, transport: Transport): Promise<Member> {
  members += 1;
  const email = `member-${process.pid}-${members}@example.com`;
  const { data, cookie } = await operate(
    stack,
    {},
    `mutation {
    result: signUp(email: "${email}", password: "correct horse battery staple", transport: ${transport}) {
      ... on SignInPayload { token antiCSRFToken viewer { id } } ... on UserError { message }
    }
  }`,
  );
  const { token, antiCSRFToken, viewer } = data.result as SignedUp;
  const credential: Record<string, string> = token ? { authorization: `Bearer ${token}` } : { cookie };
  const headers = { ...credential, ...(antiCSRFToken && { 'anti-csrf': antiCSRFToken }) };
  return { userId: viewer.id, email, credential, ask: async (query) => (await operate(stack, headers, query)).data };
}

type SignedUp = { token: string | null; antiCSRFToken: string | null; viewer: { id: string } };

/** Starts an anonymous session, and returns the header that carries its token. */
export async function visit(stack: Stack, transport: Transport): Promise<Record<string, string>> {
  const query = `mutation { result: startSession(transport: ${transport}) { token } }`;
  const { data, cookie } = await operate(stack, {}, query);
  const { token } = data.result as { token: string | null };
  return token ? { authorization: `Bearer ${token}` } : { cookie };
}

async function operate({ isProxy, port }: Stack, headers: Record<string, string>, query: string) {
  const answer = await send(isProxy ? port : ports.accounts, {
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  assert.equal(answer.status, 200, `GraphQL answers ${answer.status}: ${JSON.stringify(answer.body)}`);
  assert.equal(answer.body.errors, undefined, JSON.stringify(answer.body));
  const cookies = [answer.headers['set-cookie'] ?? []].flat().map((line) => line.split(';')[0] ?? '');
  const cookie = cookies.find((pair) => pair.startsWith('__Host-session=')) ?? '';
  // The selection of the query decides the type.
  return { data: answer.body.data as Record<string, unknown>, cookie };
}
