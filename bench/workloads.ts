/** The requests for the servers, and the right answers. */
import { type Dataset, globalId, handleOf, password, service, tokenOf, userIdOf, userOf } from './dataset.ts';
import type { Exchange } from './generator.ts';

/** The servers. Each returns a session in its own form. */
export type Kind = 'limit' | 'naive' | 'join' | 'ours';

type Request = { path: string; headers?: Record<string, string>; body?: string; type?: string };
type Headers = Record<string, string>;

function wire({ path, headers = {}, body, type = 'application/json' }: Request): string {
  const all = {
    host: '127.0.0.1',
    ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

function graphql(query: string, headers: Headers = {}, variables?: object): string {
  const body = JSON.stringify({ query, variables });
  return wire({ path: '/graphql', headers: { accept: 'application/json', ...headers }, body });
}

const bearer = (session: number): Headers => ({ authorization: `Bearer ${tokenOf(session)}` });
const cookie = (session: number): Headers => ({ cookie: `__Host-session=${tokenOf(session)}` });

/** Returns some sessions, spread evenly over those that no workload ends. */
function sample(data: Dataset, count = 3_000): number[] {
  const kept = Math.min(data.sessions, 2 * data.users);
  const step = Math.max(1, Math.floor(kept / count));
  const all = Array.from({ length: Math.min(count, kept) }, (_, index) => index * step + 1);
  return all.filter((session) => partOf(userIdOf(session, data)) !== 'revokeOthers');
}

function idOf(kind: Kind, type: 'User' | 'Session', id: number): string | number {
  if (kind === 'limit') return id;
  return kind === 'ours' ? globalId(type, id) : String(id);
}

function reading(credential: (session: number) => Headers) {
  return (kind: Kind, data: Dataset): Exchange[] =>
    sample(data).map((i) => {
      const { id, email, name, role } = userOf(userIdOf(i, data));
      const user = { id: idOf(kind, 'User', id), email, role, name };
      const session = { handle: handleOf(i), expiresAt: data.expiresAt, user };
      if (kind === 'limit') return { request: wire({ path: '/', headers: credential(i) }), body: json({ session }) };
      const query = '{ currentSession { handle expiresAt user { id email role name } } }';
      return { request: graphql(query, credential(i)), body: json({ data: { currentSession: session } }) };
    });
}

const json = (value: object) => JSON.stringify(value);

/** Introspects tokens, as the backend of an application does. */
function introspecting(_kind: Kind, data: Dataset): Exchange[] {
  const authorization = `Basic ${btoa(`${service.clientId}:${service.secret}`)}`;
  return sample(data).map((i) => {
    const { id, email, name } = userOf(userIdOf(i, data));
    const body = new URLSearchParams({ token: tokenOf(i) }).toString();
    const type = 'application/x-www-form-urlencoded';
    return {
      request: wire({ path: '/oauth/introspect', headers: { authorization }, body, type }),
      includes: `"username":"${email}","email":"${email}","name":"${name}","sub":"${globalId('User', id)}"`,
    };
  });
}

/** Asks whether requests may pass, as a proxy does. */
function verifying(_kind: Kind, data: Dataset): Exchange[] {
  return sample(data).map((i) => {
    const header = `x-auth-session-id: ${handleOf(i)}\r\nx-auth-user-id: ${globalId('User', userIdOf(i, data))}\r\n`;
    return { request: wire({ path: '/auth/verify', headers: { ...cookie(i), 'x-forwarded-method': 'GET' } }), header };
  });
}

/** Requests a session with all sessions of its user. */
function readingAll(_kind: Kind, data: Dataset): Exchange[] {
  return sample(data).map((i) => {
    const query = '{ currentSession { handle expiresAt user { id email sessions { id handle } } } }';
    return {
      request: graphql(query, bearer(i)),
      includes: `"handle":"${handleOf(i)}","expiresAt":"${data.expiresAt}"`,
    };
  });
}

/** Requests the page of an administrator: users with their live sessions and each session's user, newest first. */
function listing(kind: Kind, data: Dataset): Exchange[] {
  const fields = 'id email name role sessions { id handle expiresAt user { id email name } }';
  const users = Array.from({ length: Math.min(100, data.users) }, (_, index) => {
    const { id: userId, email, name, role } = userOf(data.users - index);
    const id = idOf(kind, 'User', userId);
    const ids = [];
    for (let i = userId; i <= data.sessions; i += data.users) ids.unshift(i);
    const sessions = ids.map((i) => {
      const session = { id: idOf(kind, 'Session', i), handle: handleOf(i), expiresAt: data.expiresAt };
      return { ...session, user: { id, email, name } };
    });
    return { id, email, name, role, sessions };
  });
  if (kind !== 'ours') return [{ request: graphql(`{ users { ${fields} } }`), body: json({ data: { users } }) }];
  const request = graphql(`{ users(first: 100) { nodes { ${fields} } } }`, bearer(1));
  return [{ request, body: json({ data: { users: { nodes: users } } }) }];
}

/** Returns users who log in: not the administrator, nor those of the listing. */
function actingUsers({ users }: Dataset): number[] {
  return Array.from({ length: Math.min(60_000, Math.max(0, users - 200)) }, (_, index) => index + 2);
}

const parts = ['revoke', 'logout', 'revokeOthers'] as const;

/** Returns the workload that ends sessions of a user: the third session, or with `revokeOthers` the first two. */
function partOf(user: number): (typeof parts)[number] {
  return parts[user % parts.length] ?? 'revoke';
}

function usersOf(part: (typeof parts)[number], data: Dataset): number[] {
  return actingUsers(data).filter((user) => partOf(user) === part);
}

function revoking(kind: Kind, data: Dataset): Exchange[] {
  return usersOf('revoke', data).map((user) => {
    const ended = user + 2 * data.users;
    if (kind === 'limit') return endAt(handleOf(ended), user, 1);
    const id = globalId('Session', ended);
    const query = 'mutation ($id: ID!) { revoke(id: $id) { ... on RevokePayload { revokedSessionId } } }';
    return {
      request: graphql(query, bearer(user), { id }),
      body: json({ data: { revoke: { revokedSessionId: id } } }),
    };
  });
}

function loggingOut(kind: Kind, data: Dataset): Exchange[] {
  return usersOf('logout', data).map((user) => {
    const ended = user + 2 * data.users;
    if (kind === 'limit') return endAt(handleOf(ended), ended, 1);
    return {
      request: graphql('mutation { logout { revokedSessionId } }', bearer(ended)),
      body: json({ data: { logout: { revokedSessionId: globalId('Session', ended) } } }),
    };
  });
}

function revokingOthers(kind: Kind, data: Dataset): Exchange[] {
  return usersOf('revokeOthers', data).map((user) => {
    const kept = user + 2 * data.users;
    if (kind === 'limit') return endAt('others', kept, 2);
    return {
      request: graphql('mutation { revokeOthers { revokedSessionIds } }', bearer(kept)),
      includes: globalId('Session', user),
    };
  });
}

function endAt(which: string, session: number, ended: number): Exchange {
  return { request: wire({ path: `/end/${which}`, headers: bearer(session) }), body: json({ ended }) };
}

function loggingIn(_kind: Kind, data: Dataset): Exchange[] {
  return actingUsers(data).map((user) => {
    const { email } = userOf(user);
    const query = `mutation ($email: String!, $password: String!) {
      login(email: $email, password: $password, transport: BEARER) {
        ... on SignInPayload { token viewer { email } } } }`;
    return { request: graphql(query, {}, { email, password }), includes: `"viewer":{"email":"${email}"}` };
  });
}

export type Workload = {
  /** The title in tables. */
  title: string;
  exchanges(kind: Kind, data: Dataset): Exchange[];
  /** The limit: a server with a workload, or the bare hashing of passwords. */
  limit: { server: Kind; workload: WorkloadName } | 'argon2';
  /** The part of the limit to reach. */
  target?: number;
  /** Set if the naive server supports it too. */
  isNaive?: true;
  /** Set if each request can be sent only once. */
  isOnce?: true;
  connections: number;
  /** The minimum number of rounds, if a few do not settle it. */
  rounds?: number;
};

export type WorkloadName =
  | 'bearer'
  | 'cookie'
  | 'introspect'
  | 'verify'
  | 'typename'
  | 'alone'
  | 'own'
  | 'listing'
  | 'revoke'
  | 'logout'
  | 'revokeOthers'
  | 'login';

const read = { server: 'limit', workload: 'bearer' } as const;

export const workloads: Record<WorkloadName, Workload> = {
  bearer: {
    title: 'a session and its user, by bearer token',
    exchanges: reading(bearer),
    limit: read,
    target: 0.5,
    isNaive: true,
    connections: 32,
  },
  cookie: {
    title: 'the same by cookie, relative to bearer token',
    exchanges: reading(cookie),
    limit: { server: 'ours', workload: 'bearer' },
    target: 0.95,
    rounds: 9,
    connections: 32,
  },
  introspect: {
    title: 'introspection of a token (`/oauth/introspect`)',
    exchanges: introspecting,
    limit: read,
    target: 0.9,
    connections: 32,
  },
  verify: {
    title: 'forward authentication by cookie (`/auth/verify`)',
    exchanges: verifying,
    limit: read,
    target: 0.9,
    connections: 32,
  },
  alone: {
    title: 'the same, one request at a time',
    exchanges: reading(bearer),
    limit: read,
    target: 0.5,
    rounds: 9,
    isNaive: true,
    connections: 1,
  },
  typename: {
    title: '`{ __typename }`, without a credential',
    exchanges: () => [{ request: graphql('{ __typename }'), body: '{"data":{"__typename":"Query"}}' }],
    limit: read,
    target: 0.75,
    isNaive: true,
    connections: 32,
  },
  own: { title: 'a session and all sessions of its user', exchanges: readingAll, limit: read, connections: 32 },
  listing: {
    title: '100 users with 3 sessions each, and the user of each',
    exchanges: listing,
    limit: { server: 'join', workload: 'listing' },
    target: 0.4,
    isNaive: true,
    connections: 1,
  },
  revoke: {
    title: 'revoking a session',
    exchanges: revoking,
    limit: { server: 'limit', workload: 'revoke' },
    target: 0.5,
    isOnce: true,
    connections: 32,
  },
  logout: {
    title: 'a logout',
    exchanges: loggingOut,
    limit: { server: 'limit', workload: 'logout' },
    target: 0.5,
    isOnce: true,
    connections: 32,
  },
  revokeOthers: {
    title: 'revoking the two other sessions of a user',
    exchanges: revokingOthers,
    limit: { server: 'limit', workload: 'revokeOthers' },
    target: 0.5,
    isOnce: true,
    connections: 32,
  },
  login: { title: 'a login', exchanges: loggingIn, limit: 'argon2', target: 0.9, rounds: 7, connections: 200 },
};
