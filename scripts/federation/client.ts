/** Clients of the graph: browsers with cookies, and programs with a bearer token. */
import assert from 'node:assert/strict';
import { type Answer, type Send, sendOnce, type Transport } from '../checks/client.ts';

export const password = 'correct horse battery staple';

// biome-ignore lint/suspicious/noExplicitAny: the selection of an operation decides its type
type Data = any;

type Extra = Pick<Send, 'headers' | 'localAddress'>;

let users = 0;

/** A client of the gateway. It keeps its cookies and tokens, as a real one would. */
export class Client {
  readonly #port: number;
  readonly #cookies = new Map<string, string>();
  #antiCSRFToken: string | null = null;
  #token: string | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  get cookieNames(): string[] {
    return [...this.#cookies.keys()].sort();
  }

  /** Sends an operation, and returns the whole answer. Headers that are undefined are not sent. */
  async send(query: string, { headers, ...extra }: Extra = {}): Promise<Answer> {
    const own = {
      'content-type': 'application/json',
      ...(this.#cookies.size > 0 && { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; ') }),
      ...(this.#antiCSRFToken !== null && { 'anti-csrf': this.#antiCSRFToken }),
      ...(this.#token !== null && { authorization: `Bearer ${this.#token}` }),
    };
    const body = JSON.stringify({ query });
    const request = { method: 'POST', path: '/graphql', headers: { ...own, ...headers }, body, ...extra };
    const answer = await sendOnce(this.#port, request);
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
      if (/max-age=0/i.test(line)) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return answer;
  }

  /** Sends an operation that must succeed, and returns its data. */
  async ask(query: string): Promise<Data> {
    const { status, body } = await this.send(query);
    assert.deepEqual({ status, errors: body.errors }, { status: 200, errors: undefined }, JSON.stringify(body));
    return body.data;
  }

  /** Signs up or logs in, and returns the result. */
  async signIn(field: 'signUp' | 'login', email: string, transport: Transport): Promise<Data> {
    const { result } = await this.ask(`mutation {
      result: ${field}(email: "${email}", password: "${password}", transport: ${transport}) {
        __typename
        ... on SignInPayload { token antiCSRFToken viewer { id email orders { item } } session { id } }
        ... on UserError { code }
      }
    }`);
    this.#token = result.token ?? null;
    this.#antiCSRFToken = result.antiCSRFToken ?? null;
    return result;
  }

  /** Forgets the anti-CSRF token, as the page of another site does not know it. */
  forgetAntiCSRFToken(): void {
    this.#antiCSRFToken = null;
  }
}

/** Signs up a new user through the gateway. */
export async function signUp(port: number, transport: Transport = 'BEARER') {
  users += 1;
  const email = `user-${users}@example.com`;
  const client = new Client(port);
  const { viewer, session } = await client.signIn('signUp', email, transport);
  return { client, email, userId: String(viewer.id), sessionId: String(session.id) };
}

/** Returns the codes of the errors of an answer. */
export function codesOf({ body }: Answer): unknown[] {
  const errors = (body.errors ?? []) as { extensions?: { code?: string } }[];
  return errors.map(({ extensions }) => extensions?.code);
}
