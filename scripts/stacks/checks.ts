/** The checks that every stack must pass. Each signs up users of its own. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { onServer } from '../../test/support/postgresql-server.ts';
import type { Answer, Send, Transport } from '../checks/client.ts';
import type { Running } from '../checks/processes.ts';
import { type Accounts, idleTimeoutMs } from './accounts.ts';
import { type Member, send, signUp, visit } from './client.ts';
import { gatewayChecks } from './gateway-checks.ts';
import type { Stack } from './stack.ts';

export type Context = { stack: Stack; accounts: Accounts; server: Running };

export type Act = (context: Context, transport: Transport) => Promise<void>;

export type Check = {
  name: string;
  /** The transports to check. Those of the stack by default. */
  transports?: Transport[];
  appliesTo?(stack: Stack): boolean;
  act: Act;
};

const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };

/** The headers with which the proxy tells the application who the user is. */
const identityHeaders = ['user-id', 'session-id', 'role', 'email', 'email-verified', 'time', 'methods'];

async function ask({ stack }: Context, { credential = {} }: Partial<Member>, init: Send = {}): Promise<Answer> {
  const type: Record<string, string> = init.body === undefined ? {} : { 'content-type': 'application/json' };
  const plain = { path: stack.path ?? '/', ...init, headers: { ...type, ...credential, ...init.headers } };
  const { toRequest, toAnswer } = stack.dialect ?? { toRequest: (same) => same, toAnswer: (same) => same };
  return toAnswer(await send(stack.port, toRequest(plain)));
}

function assertIs({ stack }: Context, { status, body }: Answer, { userId, email }: Member): void {
  const user = stack.userOf?.(body) ?? body.userId;
  assert.deepEqual([status, user], [200, user === email ? email : userId], JSON.stringify(body));
}

const signedIn: Act = async (context, transport) => {
  const member = await signUp(context.stack, transport);
  assertIs(context, await ask(context, member), member);
  const posted = await ask(context, member, {
    method: 'POST',
    headers: { 'sec-fetch-site': 'same-origin' },
    body: '{}',
  });
  assertIs(context, posted, member);
  if (context.stack.isProxy) assert.deepEqual([posted.body.method, posted.body.body], ['POST', '{}']);
};

const anonymous: Act = async (context, transport) => {
  const session = await visit(context.stack, transport);
  const damaged = transport === 'BEARER' ? { authorization: 'Bearer x' } : { cookie: '__Host-session=x' };
  for (const credential of [{}, session, damaged]) {
    const { status, body } = await ask(context, { credential });
    assert.equal(status, 401, JSON.stringify(body));
  }
};

const revoked: Act = async (context, transport) => {
  const member = await signUp(context.stack, transport);
  assertIs(context, await ask(context, member), member);
  await member.ask('mutation { logout { revokedSessionId } }');
  assert.equal((await ask(context, member)).status, 401);
};

const revocation: Act = async (context, transport) => {
  const member = await signUp(context.stack, transport);
  assert.equal((await ask(context, member, { method: 'POST', path: '/logout' })).status, 204);
  assert.equal((await ask(context, member)).status, 401);
  assert.deepEqual(await member.ask('{ viewer { id } }'), { viewer: null });
};

/** Also of headers that the server leaves out, here of an address beyond ASCII, and of other spellings. */
const forgedIdentity: Act = async (context, transport) => {
  const signedUp = await signUp(context.stack, transport);
  const member = { ...signedUp, email: `ö-${signedUp.email}` };
  const change = `UPDATE "User" SET "email" = '${member.email}' WHERE "email" = '${signedUp.email}'`;
  await onServer(context.accounts.databaseUrl, change);
  const forge = (prefix: string) => Object.fromEntries(identityHeaders.map((name) => [`${prefix}${name}`, 'forged']));
  const withUnderscores = [forge('x_auth_'), { 'x-auth_user-id': 'forged' }];
  const removed = [forge('x-auth-'), forge('X-AUTH-'), ...(context.stack.removesUnderscores ? withUnderscores : [])];
  for (const headers of removed) {
    const answer = await ask(context, member, { headers });
    assertIs(context, answer, member);
    assert.ok(!JSON.stringify(answer.body).includes('forged'), JSON.stringify(answer.body));
    assert.equal((await ask(context, {}, { headers })).status, 401);
  }
};

/** Repeats itself if this process was held up for so long that the session may have expired between two requests. */
const idle: Act = async (context, transport) => {
  const member = await signUp(context.stack, transport);
  const device = '{ currentSession { clientName ipAddress } }';
  const before = await member.ask(device);
  const began = Date.now();
  for (let last = began; last - began < 2 * idleTimeoutMs; last = Date.now()) {
    await sleep(idleTimeoutMs / 6);
    const answer = await ask(context, member);
    if (Date.now() - last > 0.8 * idleTimeoutMs) return idle(context, transport);
    assertIs(context, answer, member);
  }
  assert.deepEqual(await member.ask(device), before);
  await sleep(1.2 * idleTimeoutMs);
  assert.equal((await ask(context, member)).status, 401);
};

const forgedRequest: Act = async (context, transport) => {
  const member = await signUp(context.stack, transport);
  const hidden = { 'x-forwarded-method': 'GET', 'x-original-method': 'GET', 'x-forwarded-host': 'evil.example' };
  for (const method of ['POST', 'PUT', 'DELETE']) {
    for (const headers of [foreign, { origin: 'https://evil.example' }, { ...foreign, ...hidden }]) {
      const { status, body } = await ask(context, member, { method, headers, body: '{}' });
      assert.equal(status, 403, `${method} ${JSON.stringify(headers)}: ${JSON.stringify(body)}`);
    }
  }
  const own = { origin: 'https://app.example.com' };
  assertIs(context, await ask(context, member, { method: 'POST', headers: own, body: '{}' }), member);
  const link = await ask(context, member, { headers: { 'sec-fetch-site': 'cross-site' } });
  // A gateway sends every operation to its subgraphs by POST.
  if (context.stack.isGateway) assert.equal(link.status, 403);
  else assertIs(context, link, member);
};

/** The path that passes without verification leads to the server in every spelling, never to the application. */
const spellings: Act = async (context) => {
  const paths = [
    '//graphql',
    '/./graphql',
    '/%67raphql',
    '/graphql/',
    '/graphql/x',
    '/graphql;x',
    '/GRAPHQL',
    '/x/../graphql',
  ];
  for (const path of paths) {
    const { status, body } = await ask(context, {}, { path, headers: { 'x-auth-user-id': 'forged' } });
    assert.equal(body.userId, undefined, `${path}: ${status} ${JSON.stringify(body)}`);
  }
};

const failingApplication: Act = async (context, transport) => {
  const member = await signUp(context.stack, transport);
  assert.equal((await ask(context, member, { path: '/broken' })).status, 500);
};

const databaseDown: Act = async (context, transport) => {
  const { stack, accounts } = context;
  const member = await signUp(stack, transport);
  await accounts.stopDatabase();
  const answers: Answer[] = [];
  try {
    answers.push(await ask(context, member), await ask(context, member, { method: 'POST', body: '{}' }));
  } finally {
    await accounts.restartDatabase();
  }
  for (const { status, body } of answers) assert.equal(status, 503, JSON.stringify(body));
  const later = await signUp(stack, transport);
  assertIs(context, await ask(context, later), later);
};

/** The last check: the server does not come back. */
const serverDown: Act = async (context, transport) => {
  const member = await signUp(context.stack, transport);
  await context.server.stop();
  const { status, body } = await ask(context, member);
  assert.equal(status, context.stack.statusWithoutServer ?? 503, JSON.stringify(body));
};

export const checks: Check[] = [
  { name: 'signed in', act: signedIn },
  { name: 'anonymous: 401', act: anonymous },
  { name: 'revoked between two requests: 401', act: revoked },
  { name: 'token revocation: 401', appliesTo: ({ revokes }) => revokes === true, act: revocation },
  { name: 'X-Auth headers of the client: removed', act: forgedIdentity },
  { name: 'idle timeout passed, the backend asks: signed in', act: idle },
  {
    name: 'forged request of another site: 403',
    transports: ['COOKIE'],
    appliesTo: ({ refusesForgery }) => refusesForgery,
    act: forgedRequest,
  },
  {
    name: 'other spellings of /graphql: never unverified at the application',
    transports: ['COOKIE'],
    appliesTo: ({ isProxy }) => isProxy,
    act: spellings,
  },
  { name: 'error 500 of the application: unchanged', appliesTo: ({ isProxy }) => isProxy, act: failingApplication },
  ...gatewayChecks,
  { name: 'database down: 503, then recovers', act: databaseDown },
  { name: 'server down: no verdict', act: serverDown },
];
