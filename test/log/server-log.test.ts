/** @module-tag slow/process */
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/database.ts';
import { type Data, fetchOver, password } from '../support/api.ts';
import { emptyDatabase } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { runNode, startServer } from '../support/process.ts';

type Server = Awaited<ReturnType<typeof startServer>>;

/** Ends a server, and returns its lines. */
async function linesOf(server: Server): Promise<Data[]> {
  server.child.kill('SIGTERM');
  const { code, stdout, stderr } = await server.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const json = { LOG_FORMAT: 'json' };
const isRequest = ({ msg }: Data) => msg === 'Request';
const signUp = `mutation Join { signUp(email: "ada@example.com", password: "${password}", transport: BEARER) {
  ... on SignInPayload { token session { handle } } } }`;
const login = `mutation Enter { login(email: "ada@example.com", password: "wrong horse", transport: BEARER) {
  __typename } }`;

describe('log of the server', () => {
  it('is JSON if standard output is no terminal, with time and level on every line', async () => {
    const server = await startServer(await emptyDatabase(), { LOG_FORMAT: 'auto' });
    const lines = await linesOf(server);
    for (const line of lines) expect(line).toMatchObject({ level: 'info', time: expect.stringMatching(/^\d{4}-.*Z$/) });
    const messages = lines.map(({ msg }) => msg).filter((msg) => msg !== 'Migrated');
    expect(messages).toEqual(['Database', 'Mail', 'GraphQL', 'GraphiQL', 'Stopping']);
  });

  it('tells in JSON too why the server does not start', async () => {
    const { code, stdout, stderr } = await runNode('src/main.ts', [], { PORT: 'http', ...json }).ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ level: 'fatal', announced: expect.stringMatching(/^PORT is "http"/) });
  });

  it('refuses another level, and names those that exist', async () => {
    const { code, stderr } = await runNode('src/main.ts', [], { LOG_LEVEL: 'all' }).ended;
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^LOG_LEVEL is "all", but it must be /),
    });
  });

  it('has a line for each request, with its session and its outcome', async () => {
    const server = await startServer(await emptyDatabase(), json);
    const { body } = await fetchOver(server.address, signUp);
    const { token, session } = body.data.signUp;
    const bearer = { authorization: `Bearer ${token}` };
    await fetchOver(server.address, 'query Who { viewer { email } }', bearer);
    await fetchOver(server.address, '{ users { totalCount } }', bearer);
    await fetchOver(server.address, login);
    await fetchOver(server.address, '{ nothing }');
    await fetch(new URL('/auth/verify', server.address));
    await fetch(new URL('/reset?token=secret', server.address));
    await fetch(new URL('/ready', server.address));
    const answer = await fetch(server.address, { method: 'DELETE' });
    await fetchOver(server.address, 'mutation Leave { logout { revokedSessionId } }', bearer);
    const lines = (await linesOf(server)).filter(isRequest);
    const own = { session: session.handle, user: expect.stringMatching(/^\d+$/) };
    const graphql = { method: 'POST', route: '/graphql', status: 200 };
    const always = { level: 'info', time: expect.any(String), msg: 'Request', durationMs: expect.any(Number) };
    const id = { requestId: expect.stringMatching(/^[0-9a-f]{32}$/) };
    const ok = { ...always, ...id, ...graphql };
    const refused = { ...ok, level: 'warn' };
    expect(lines).toEqual([
      { ...ok, type: 'mutation', operation: 'Join', ...own },
      { ...ok, type: 'query', operation: 'Who', ...own },
      { ...refused, type: 'query', code: 'FORBIDDEN', ...own },
      { ...refused, type: 'mutation', operation: 'Enter', code: 'INVALID_CREDENTIALS' },
      { ...refused, code: 'GRAPHQL_VALIDATION_FAILED' },
      { ...refused, method: 'GET', route: '/auth/verify', status: 401, code: 'UNAUTHENTICATED' },
      { ...always, ...id, level: 'warn', method: 'GET', status: 404, code: 'BAD_REQUEST' },
      { ...refused, method: 'DELETE', status: 405, code: 'BAD_REQUEST', requestId: answer.headers.get('x-request-id') },
      { ...ok, type: 'mutation', operation: 'Leave', ...own },
    ]);
  });

  it('tells an unexpected error once, and then counts it', async () => {
    const url = await emptyDatabase();
    const server = await startServer(url, json);
    const database = await openDatabase(url);
    onTestFinished(() => database.$disconnect());
    const { body } = await fetchOver(server.address, signUp);
    const bearer = { authorization: `Bearer ${body.data.signUp.token}` };
    await database.$executeRawUnsafe('ALTER TABLE "Session" RENAME COLUMN "publicData" TO "gone"');
    for (let n = 0; n < 5; n += 1) await fetchOver(server.address, '{ viewer { id } }', bearer);
    const lines = (await linesOf(server)).filter(({ level, msg }) => level !== 'info' && msg !== 'Request');
    expect(lines).toEqual([
      expect.objectContaining({ level: 'error', msg: 'Unexpected error', error: expect.anything() }),
      expect.objectContaining({ level: 'warn', msg: 'Repeated fault', fault: 'Unexpected error', repetitions: 4 }),
    ]);
  });

  it.each([
    ['warn', 'only refused requests', [404]],
    ['error', 'no requests', []],
  ] as const)('has at the level %s %s', async (level, _name, statuses) => {
    const port = await freePort();
    const env = { DATABASE_URL: await emptyDatabase(), PORT: String(port), LOG_LEVEL: level, ...json };
    const server = runNode('src/main.ts', [], env);
    const at = (path: string) => `http://127.0.0.1:${port}${path}`;
    const isUp = () =>
      fetch(at('/health')).then(
        ({ ok }) => ok,
        () => false,
      );
    await expect.poll(isUp).toBe(true);
    await fetch(at('/nothing'));
    await fetchOver(at('/graphql'), '{ __typename }');
    server.child.kill('SIGTERM');
    const lines = (await server.ended).stdout.split('\n').filter((line) => line !== '');
    expect(
      lines
        .map((line) => JSON.parse(line))
        .filter(isRequest)
        .map(({ status }) => status),
    ).toEqual(statuses);
  });
});
