/** Clients of the application: browsers with a cookie, and programs with a bearer token. */
import assert from 'node:assert/strict';
import { type Answer, type Send, sendOnce, type Transport } from '../checks/client.ts';
import { ports, type Stack } from './stack.ts';

/** In milliseconds: backends wait as long for the server. On a busy machine, more may pass without any failure. */
const patienceMs = 1_000;

/** Sends a request, and again, three times at most, after a 503 that took as long as the timeout of a backend. */
export async function send(port: number, init: Send): Promise<Answer> {
  for (let attempts = 1; ; attempts += 1) {
    const began = performance.now();
    const answer = await sendOnce(port, init);
    const isTimeout = answer.status === 503 && performance.now() - began >= patienceMs;
    if (!isTimeout || attempts > 3) return answer;
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

export const password = 'correct horse battery staple';

let members = 0;

/** Signs up a new user. Behind a proxy or gateway that passes `/graphql` on, this request goes through the proxy too. */
export async function signUp(stack: Stack, transport: Transport): Promise<Member> {
  members += 1;
  const email = `member-${process.pid}-${members}@example.com`;
  const { data, cookie } = await operate(
    stack,
    {},
    `mutation {
    result: signUp(email: "${email}", password: "${password}", transport: ${transport}) {
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

async function operate({ isProxy, isGateway, port }: Stack, headers: Record<string, string>, query: string) {
  const answer = await send(isProxy || isGateway ? port : ports.accounts, {
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
