/** @module-tag slow/process */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { password } from './support/api.ts';
import { temporaryFolder } from './support/database.ts';
import { freePort } from './support/ports.ts';
import { beginRequest, runNode, startServer } from './support/process.ts';

const fields = '... on SignInPayload { token }';
const signUp = `mutation { signUp(email: "ada@example.com", password: "${password}", transport: BEARER) { ${fields} } }`;
const login = signUp.replace('signUp', 'login');

const loginsInFlight = 30;

async function newUrl(): Promise<string> {
  return `file:${join(await temporaryFolder(), 'data/sessions.db')}`;
}

/** Starts a server with logins in flight: it has their headers. Returns a function that counts the successful ones. */
async function withLoginsInFlight(env: Record<string, string> = {}) {
  const server = await startServer(await newUrl(), { SESSIONS_PER_USER: '100', ...env });
  const headers = { 'content-type': 'application/json' };
  await fetch(server.address, { method: 'POST', headers, body: JSON.stringify({ query: signUp }) });
  const begun = await Promise.all(Array.from({ length: loginsInFlight }, () => beginRequest(server.address, login)));
  const finish = async () => {
    const answers = await Promise.allSettled(begun.map((finishOne) => finishOne()));
    return answers.filter((answer) => answer.status === 'fulfilled' && /"token":"[^"]+\./.test(answer.value.text))
      .length;
  };
  return { server, finish };
}

/** Returns a setting of Node by which a process says that it catches signals, and may send itself one then. */
async function probe(act = ''): Promise<{ NODE_OPTIONS: string }> {
  const file = join(await temporaryFolder(), 'probe.mjs');
  // Of both signals, SIGINT gets its handler last.
  const code = `import { writeSync } from 'node:fs';
    process.on('newListener', (name) => {
      if (name !== 'SIGINT') return;
      writeSync(1, 'Process ' + process.pid + ' catches signals\\n');
      queueMicrotask(() => { ${act} });
    });`;
  await writeFile(file, code);
  return { NODE_OPTIONS: `--import ${file}` };
}

describe('signal', () => {
  it('changes nothing while the server stops because of an earlier one: no login is lost', async () => {
    const { server, finish } = await withLoginsInFlight();
    server.child.kill('SIGTERM');
    await server.until(/SIGTERM: finishing the requests in flight/);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM', 'SIGINT'] as const) {
      server.child.kill(signal);
      await sleep(20);
    }
    expect(await finish()).toBe(loginsInFlight);
    const { code, stdout } = await server.ended;
    expect(code).toBe(0);
    expect(stdout.match(/finishing the requests in flight/g)).toHaveLength(1);
  });

  it.each([
    ['the server', 'src/main.ts', []],
    ['the command', 'src/bin.ts', []],
    ['the command serve', 'src/bin.ts', ['serve']],
  ])('stops %s in order before it has loaded its modules', async (_what, file, args) => {
    const url = await newUrl();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const env = await probe(`process.kill(process.pid, '${signal}');`);
      const { code, stdout, stderr } = await runNode(file, [...args], { DATABASE_URL: url, PORT: '0', ...env }).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^Stopping +${signal}: finishing`, 'm'));
      expect(stdout).not.toMatch(/GraphQL|Migrated/);
    }
  });

  it('stops the server in order at any time of its start', async () => {
    const url = await newUrl();
    const env = { DATABASE_URL: url, PORT: '0', ...(await probe()) };
    const started = performance.now();
    const first = runNode('src/main.ts', [], env);
    await first.until(/^GraphiQL/m);
    const startMs = performance.now() - started;
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
    for (let part = 0; part < 8; part += 1) {
      const server = runNode('src/main.ts', [], env);
      await server.until(/catches signals/);
      await sleep((startMs * part) / 8);
      server.child.kill('SIGTERM');
      expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
    }
    // The database is in order.
    await startServer(url);
  });

  const namespaces = ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const hasNamespaces = spawnSync(namespaces[0] ?? '', [...namespaces.slice(1), 'true']).status === 0;

  it.skipIf(!hasNamespaces)('stops the first process of a container, also while it starts', async () => {
    // Its number is another one outside, so it sends the signal itself.
    const env = { DATABASE_URL: await newUrl(), PORT: '0', ...(await probe("process.kill(1, 'SIGTERM');")) };
    const server = runNode('src/main.ts', [], env, { wrapper: namespaces });
    const { code, stdout } = await server.ended;
    expect(stdout).toMatch(/^Process 1 catches signals$/m);
    expect(stdout).toMatch(/SIGTERM: finishing/);
    expect(code).toBe(0);
  });
});

describe('SIGHUP', () => {
  it('loads the trusted documents again, and changes nothing if they are not valid', async () => {
    const file = join(await temporaryFolder(), 'documents.json');
    await writeFile(file, '{ "first": "{ __typename }" }');
    const env = { TRUSTED_DOCUMENTS: file, TRUSTED_DOCUMENTS_MODE: 'only' };
    const { child, address, until } = await startServer(await newUrl(), env);
    await until(/^Documents +1 trusted, mode only$/m);
    const codeOf = async (documentId: string) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify({ documentId }) });
      return (await response.json()).errors?.[0].extensions.code;
    };
    expect([await codeOf('first'), await codeOf('second')]).toEqual([undefined, 'PERSISTED_QUERY_NOT_IN_LIST']);
    await writeFile(file, '{ "second": "{ __typename }" }');
    child.kill('SIGHUP');
    await expect.poll(() => codeOf('second')).toBeUndefined();
    expect(await codeOf('first')).toBe('PERSISTED_QUERY_NOT_IN_LIST');
    await writeFile(file, '{');
    child.kill('SIGHUP');
    await until(/error The file .* is not a JSON object\./);
    expect(await codeOf('second')).toBeUndefined();
  });
});

describe('closed output', () => {
  it.each(['stdout', 'stderr'] as const)('is no error: after SIGTERM, no login is lost without %s', async (name) => {
    const { server, finish } = await withLoginsInFlight();
    server.child[name]?.destroy();
    server.child.kill('SIGTERM');
    await sleep(200);
    expect(await finish()).toBe(loginsInFlight);
    expect((await server.ended).code).toBe(0);
  });

  it('is no error while the server starts', async () => {
    const port = await freePort();
    const server = runNode('src/main.ts', [], { DATABASE_URL: await newUrl(), PORT: String(port) });
    server.child.stdout?.destroy();
    const isHealthy = () =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    await expect.poll(isHealthy).toBe(true);
    server.child.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
