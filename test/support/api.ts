import { expect, onTestFinished } from 'vitest';
import type { BlitzPolicy } from '../../src/blitz/config.ts';
import { blitzSessions } from '../../src/blitz/sessions.ts';
import {
  type AttemptPolicy,
  type Config,
  readConfig,
  type SecondFactorPolicy,
  type SessionPolicy,
} from '../../src/config/config.ts';
import { type App, createApp } from '../../src/http/front-door.ts';
import type { LegacySessions } from '../../src/http/request/legacy-sessions.ts';
import { type ServerStreams, startStreams } from '../../src/server/streams.ts';
import { openSigningKeys, type SigningKeys } from '../../src/signing-keys/signing-keys.ts';
import { openTrustedDocuments, type TrustedDocuments } from '../../src/trusted-documents/trusted-documents.ts';
import { openEmptyDatabase, type TestDatabase } from './database.ts';

export const password = 'correct horse battery staple';

/** A server with its own empty database, for the length of a test. */
export type TestApi = TestDatabase & {
  app: App;
  config: Config;
  /** The sessions of another system that stay valid. Null without any. */
  legacySessions: LegacySessions | null;
  /** The keys that sign tokens. Null without `encryptionKeys`. */
  signingKeys: SigningKeys | null;
  /** The documents of the setting `trustedDocuments`. Null without it. */
  trustedDocuments: TrustedDocuments | null;
  streams: ServerStreams;
  /** The reported unexpected errors. */
  reported: unknown[];
  /** Moves the server's clock. */
  clock: { now: Date };
  /** A client that holds no session yet. */
  client(): Client;
  /** A client that has signed up. */
  signUp(email: string, transport?: 'COOKIE' | 'BEARER'): Promise<Client>;
  /** A client that has signed up and was made an administrator. */
  signUpAdmin(email: string): Promise<Client>;
};

/** The cost of hashes, for tests that need it. In all others, hashing takes almost no time. */
export const realHashing = readConfig({}).passwords;
const cheapHashing = { ...realHashing, memoryKiB: 8, passes: 1 };

/** The settings of a test. All others have their defaults. */
export type Settings = Omit<Partial<Config>, 'sessions' | 'attempts' | 'secondFactor'> & {
  sessions?: Partial<SessionPolicy>;
  attempts?: Partial<AttemptPolicy>;
  secondFactor?: Partial<SecondFactorPolicy>;
  /** The policy for sessions of Blitz.js. Without it, they are not accepted. */
  blitz?: BlitzPolicy | null;
};

export async function startApi({
  sessions,
  attempts,
  secondFactor,
  blitz = null,
  ...settings
}: Settings = {}): Promise<TestApi> {
  const opened = await openEmptyDatabase();
  const defaults = readConfig({});
  const config: Config = {
    ...defaults,
    databaseUrl: opened.url,
    passwords: { ...cheapHashing },
    ...settings,
    sessions: { ...defaults.sessions, ...sessions },
    attempts: { ...defaults.attempts, ...attempts },
    secondFactor: { ...defaults.secondFactor, ...secondFactor },
  };
  const legacySessions = blitz && blitzSessions(blitz);
  const reported: unknown[] = [];
  const report = (error: unknown) => reported.push(error);
  const clock = { now: new Date() };
  const now = () => clock.now;
  const signingKeys = await openSigningKeys(opened.database, config, { now, stop: () => {} }, report);
  const trustedDocuments = config.trustedDocuments && (await openTrustedDocuments(config.trustedDocuments, report));
  const clockOfApi = { now, stop: () => {} };
  const streams = startStreams({ database: opened.database, clock: clockOfApi }, config, report);
  onTestFinished(streams.stop);
  const { database } = opened;
  const options = { database, config, report, now, legacySessions, signingKeys, trustedDocuments, streams };
  const app = createApp(options);
  const client = () => new Client(app, config.publicUrl);
  return {
    ...opened,
    app,
    config,
    legacySessions,
    signingKeys,
    trustedDocuments,
    streams,
    reported,
    clock,
    client,
    async signUp(email, transport = 'COOKIE') {
      const one = client();
      await one.signUp(email, transport);
      return one;
    },
    async signUpAdmin(email) {
      const one = client();
      await one.signUp(email, 'BEARER');
      await opened.database.user.update({ where: { email }, data: { role: 'admin' } });
      return one;
    },
  };
}

/** The fields that a client selects to receive a new token. */
export const rotating: Record<string, string> = {
  reauthenticate: '... on ReauthenticatePayload { token antiCSRFToken }',
  changePassword: '... on ChangePasswordPayload { token antiCSRFToken }',
  confirmAuthenticatorApp: '... on FactorPayload { token antiCSRFToken deviceToken }',
  finishPasskeyRegistration: '... on FactorPayload { token antiCSRFToken deviceToken }',
  finishPasskeyLogin: '... on SignInPayload { token antiCSRFToken deviceToken }',
  completeLogin: '... on SignInPayload { token antiCSRFToken deviceToken }',
  signInWithEmailCode: '... on SignInPayload { token antiCSRFToken deviceToken }',
  signInWithEmailLink: '... on SignInPayload { token antiCSRFToken deviceToken }',
};

// biome-ignore lint/suspicious/noExplicitAny: what a test asks for is known to the test
export type Data = any;

export type Answer = { status: number; headers: Headers; data: Data; errors: Data; code: string | undefined };

/** A client of the API that keeps its cookies, its anti-CSRF token and its other tokens as a real one would. */
export class Client {
  cookie: string | null = null;
  antiCSRFToken: string | null = null;
  token: string | null = null;
  /** The device token of a trusted device: in a cookie or as a token, like that of the session. */
  deviceCookie: string | null = null;
  deviceToken: string | null = null;
  /** The address of its requests, as the server sees it. */
  address: string | null = null;
  readonly #app: Pick<App, 'fetch'>;
  readonly #url: URL;

  constructor(app: Pick<App, 'fetch'>, publicUrl: URL) {
    this.#app = app;
    this.#url = new URL('/graphql', publicUrl);
  }

  /** Sends a request with the credentials of the client, and returns the response. */
  async request(init: { method: string; headers: Record<string, string>; body?: string }, search = '') {
    const headers = { ...this.headers(), ...init.headers };
    const response = await this.#app.fetch(new Request(this.#url.href + search, { ...init, headers }), this.address);
    this.#keepCookies(response.headers);
    return response;
  }

  /** Sends one operation and returns the answer. */
  async send(query: string, variables: object = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await this.request({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as Data;
    for (const field of Object.keys(rotating)) this.#keepTokens(data?.[field]);
    return { status: response.status, headers: response.headers, data, errors, code: errors?.[0]?.extensions?.code };
  }

  /** Returns the result of one mutation, which must not fail as a request. */
  async act(field: string, variables: Data = {}, selection = ''): Promise<Data> {
    const types: Record<string, string> = { id: 'ID!', transport: 'Transport!', name: 'String', role: 'String!' };
    const names = Object.keys(variables);
    const typeOf = (name: string) => types[name] ?? 'String!';
    const declared = names.length === 0 ? '' : `(${names.map((name) => `$${name}: ${typeOf(name)}`).join(', ')})`;
    const passed = names.length === 0 ? '' : `(${names.map((name) => `${name}: $${name}`).join(', ')})`;
    const query = `mutation ${declared} { ${field}${passed} { __typename ${selection} ${rotating[field] ?? ''} } }`;
    return (await this.ask(query, variables))[field];
  }

  /** Returns the data of one operation, which must succeed. */
  async ask(query: string, variables: object = {}): Promise<Data> {
    const { data, errors } = await this.send(query, variables);
    expect(errors).toBeUndefined();
    return data;
  }

  async signUp(email: string, transport: 'COOKIE' | 'BEARER' = 'COOKIE'): Promise<Data> {
    return this.#begin('signUp', email, transport, password);
  }

  /** Logs in and holds the new session, if there is one. Returns the result, also a refusal. */
  async login(email: string, transport: 'COOKIE' | 'BEARER' = 'COOKIE', secret = password): Promise<Data> {
    return this.#begin('login', email, transport, secret);
  }

  async #begin(field: string, email: string, transport: string, secret: string): Promise<Data> {
    const { [field]: result } = await this.ask(
      `mutation ($email: String!, $password: String!, $transport: Transport!) {
        ${field}(email: $email, password: $password, transport: $transport) {
          __typename
          ... on SignInPayload { viewer { id email } session { id handle } token antiCSRFToken deviceToken }
          ${field === 'login' ? '... on SecondFactorRequired { challenge methods expiresAt }' : ''}
          ... on SecondFactorEnrolmentRequired { challenge expiresAt }
          ... on UserError { code message }
          ... on ValidationError { issues { path message } }
          ... on RateLimitedError { retryAfterSeconds }
        }
      }`,
      { email, password: secret, transport },
    );
    if (result.__typename === 'SignInPayload') {
      this.token = result.token;
      this.antiCSRFToken = result.antiCSRFToken;
      this.deviceToken = result.deviceToken ?? this.deviceToken;
    }
    return result;
  }

  /** Returns the headers that identify the client to the server. */
  headers(): Record<string, string> {
    const cookies = [this.cookie, this.deviceCookie].filter((cookie) => cookie !== null);
    return {
      ...(cookies.length === 0 ? {} : { cookie: cookies.join('; ') }),
      ...(this.antiCSRFToken === null ? {} : { 'anti-csrf': this.antiCSRFToken }),
      ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
      ...(this.deviceToken === null ? {} : { 'x-device-token': this.deviceToken }),
    };
  }

  /** Stores the new tokens of the session. A cookie client loses an anti-CSRF token that it did not select. */
  #keepTokens(rotated: Data): void {
    if (!/^(Reauthenticate|ChangePassword|Factor|SignIn)Payload$/.test(rotated?.__typename)) return;
    // A new passkey may leave the token as it is.
    const unchanged = rotated.__typename === 'FactorPayload' ? this.token : null;
    if (this.token !== null || rotated.token) this.token = rotated.token ?? unchanged;
    this.antiCSRFToken = rotated.antiCSRFToken ?? null;
    this.deviceToken = rotated.deviceToken ?? this.deviceToken;
  }

  #keepCookies(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const set = /Max-Age=0/.test(line) ? [] : line.split(';').slice(0, 1);
      if (/^(__Host-)?device=/.test(line)) {
        this.deviceCookie = set[0] ?? null;
        continue;
      }
      const name = /^[^=]+=/.exec(line)?.[0] ?? '';
      const others = this.cookie?.split('; ').filter((pair) => !pair.startsWith(name)) ?? [];
      this.cookie = [...set, ...others].join('; ') || null;
    }
  }
}

/** Sends one operation over HTTP, and returns the values of the cookies that its answer sets. */
export async function fetchOver(
  address: string,
  query: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Data; cookies: string[] }> {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  const cookies = response.headers.getSetCookie().map((line) => /=([^;]*)/.exec(line)?.[1] ?? '');
  return { status: response.status, body: await response.json(), cookies: cookies.filter((value) => value !== '') };
}
