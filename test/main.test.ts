/** @module-tag slow/process */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { createEncryptionKey } from '../src/encryption/keys.ts';
import { password } from './support/api.ts';
import { temporaryFolder } from './support/database.ts';
import { beginRequest, runNode, startServer } from './support/process.ts';

async function newUrl(): Promise<string> {
  return `file:${join(await temporaryFolder(), 'data/sessions.db')}`;
}

// biome-ignore lint/suspicious/noExplicitAny: what a test asks for is known to the test
async function ask(address: string, query: string, headers: Record<string, string> = {}): Promise<any> {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

const signUp = `mutation { signUp(email: "ada@example.com", password: "${password}", transport: BEARER) {
  ... on SignInPayload { token } } }`;

describe('server', () => {
  it('creates and migrates its database, says where it is, and keeps the data over a restart', async () => {
    const url = await newUrl();
    const first = await startServer(url);
    expect(first.printed()).toMatch(/^Migrated +20200627163756/m);
    expect(first.printed()).toContain(`Database  ${url}`);
    expect(first.printed()).toMatch(/^GraphiQL +http/m);
    const { token } = (await ask(first.address, signUp)).data.signUp;
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);

    const second = await startServer(url);
    expect(second.printed()).not.toContain('Migrated');
    const { data } = await ask(second.address, '{ viewer { email } }', { authorization: `Bearer ${token}` });
    expect(data).toEqual({ viewer: { email: 'ada@example.com' } });
  });

  it('loads no compiler on the second start, as npm start does', async () => {
    const [, option = '', ...rest] = packageJson.scripts.start.split(' ');
    const probe = join(await temporaryFolder(), 'probe.mjs');
    const has = "process.moduleLoadList.some((name) => name.includes('amaro'))";
    await writeFile(probe, `process.on('exit', () => console.log('Compiler', ${has}));`);
    const env = { DATABASE_URL: await newUrl(), PORT: '0', NODE_OPTIONS: `--import ${probe}` };
    const start = async () => {
      const server = runNode(option, rest, env);
      await server.until(/^GraphiQL /m);
      server.child.kill('SIGTERM');
      return (await server.ended).stdout;
    };
    await start();
    // Before Node 24, what comes of TypeScript is not kept.
    const isKept = Number(process.versions.node.split('.')[0]) >= 24;
    expect(await start()).toMatch(isKept ? /^Compiler false$/m : /^Compiler (false|true)$/m);
  });

  it('is the only one on its file, until it ends in any way', async () => {
    const url = await newUrl();
    const first = await startServer(url);
    const second = await runNode('src/main.ts', [], { DATABASE_URL: url, PORT: '0' }).ended;
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/^Another server is running on .*sessions\.db\. Stop it first.*\n$/);
    first.child.kill('SIGKILL');
    await first.ended;
    const third = await startServer(url);
    expect((await ask(third.address, '{ __typename }')).data).toEqual({ __typename: 'Query' });
  });

  it('is the only one on its file, under any name of the file', async () => {
    const folder = await temporaryFolder();
    await startServer(`file:${join(folder, 'real.db')}`);
    await symlink(join(folder, 'real.db'), join(folder, 'link.db'));
    const second = runNode('src/main.ts', [], { DATABASE_URL: `file:${join(folder, 'link.db')}`, PORT: '0' });
    expect((await second.ended).stderr).toMatch(/^Another server is running on .*real\.db\./);
  });

  it('keeps its files private, and leaves no log behind when it stops', async () => {
    const url = await newUrl();
    const server = await startServer(url);
    await ask(server.address, signUp);
    const folder = dirname(url.replace('file:', ''));
    const files = await readdir(folder);
    expect(files).toContain('sessions.db-wal');
    for (const name of files) expect((await stat(join(folder, name))).mode & 0o077, name).toBe(0);
    server.child.kill('SIGTERM');
    await server.ended;
    expect((await readdir(folder)).filter((name) => /-(wal|shm)$/.test(name))).toEqual([]);
  });

  it('stops with npm, which ends only its shell', async () => {
    const url = await newUrl();
    const env = { DATABASE_URL: url, PORT: '0', LOG_FORMAT: 'text', npm_lifecycle_event: 'start' };
    const command = `"${process.execPath}" src/main.ts & echo; wait`;
    const shell = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    shell.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    await expect.poll(() => printed).toMatch(/^GraphiQL/m);
    shell.kill('SIGKILL');
    await once(shell.stdout, 'close');
    expect(printed).toMatch(/SIGTERM: finishing/);
    await startServer(url);
  });

  it('can be started twice concurrently: one serves, the other is refused with a sentence', async () => {
    const url = await newUrl();
    const both = [0, 1].map(() => runNode('src/main.ts', [], { DATABASE_URL: url, PORT: '0' }));
    const outcomes = await Promise.all(
      both.map((server) =>
        Promise.race([
          server.ended.then(({ stderr }) => stderr),
          server.until(/^GraphiQL /m).then(
            () => 'serves',
            () => server.ended.then(({ stderr }) => stderr),
          ),
        ]),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'serves')).toHaveLength(1);
    expect(outcomes.find((outcome) => outcome !== 'serves')).toMatch(/^Another server is running on/);
  });

  it.each([
    ['PORT', 'http', /^PORT is "http", but it must be a whole number from 0 to 65535\.\n$/],
    ['DATABASE_URL', 'mysql://x', /^DATABASE_URL is "mysql:…", but it must be .*\n$/],
    [
      'DATABASE_URL',
      'postgresql://x:y@z/db?schema=app',
      /^DATABASE_URL names a schema, but it may name no other one than public, .*\n$/,
    ],
    ['SESSION_LIFETIME', '30', /^SESSION_LIFETIME is "30", but it must be a number and a unit.*\n$/],
    ['ACCESS_TOKEN_AUDIENCES', 'router', /^ACCESS_TOKEN_AUDIENCES is set, but ENCRYPTION_KEYS is not: .*\n$/],
    ['HOST', '203.0.113.1', /^HOST is "203\.0\.113\.1" and PORT is .*\n$/],
  ])('stops with a sentence when %s is %s', async (name, value, sentence) => {
    const env = { DATABASE_URL: await newUrl(), PORT: '0', [name]: value };
    const { code, stdout, stderr } = await runNode('src/main.ts', [], env).ended;
    expect({ code, stdout: stdout.replace(/^Migrated.*\n/gm, '') }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  it('warns in production about mail that goes to files, in one line', async () => {
    const env = {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://accounts.example.com',
    };
    const server = runNode('src/main.ts', [], { DATABASE_URL: await newUrl(), PORT: '0', ...env });
    await server.until(/^GraphiQL /m);
    server.child.kill('SIGTERM');
    const { code, stdout } = await server.ended;
    expect(code).toBe(0);
    expect(stdout.match(/^\S+ warn {2}SMTP_URL is not set: .*$/gm)).toHaveLength(1);
  });

  it('does not start without the key that encrypted its signing keys, and starts again with it', async () => {
    const url = await newUrl();
    const [key, other] = [createEncryptionKey(), createEncryptionKey()];
    const stopped = async (env: Record<string, string>) => {
      const server = await startServer(url, env);
      const jwks = await (await fetch(new URL('/.well-known/jwks.json', server.address))).text();
      server.child.kill('SIGTERM');
      expect(await server.ended).toMatchObject({ code: 0, stderr: '' });
      return jwks;
    };
    const refused = async (env: Record<string, string>) =>
      runNode('src/main.ts', [], { DATABASE_URL: url, PORT: '0', ...env }).ended;
    const jwks = await stopped({ ENCRYPTION_KEYS: key });
    expect(JSON.parse(jwks).keys).toHaveLength(1);
    expect(await refused({ ENCRYPTION_KEYS: other })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^A signing key cannot be read\. ENCRYPTION_KEYS lacks the key .*\n$/),
    });
    expect(await refused({})).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^The database has signing keys, but ENCRYPTION_KEYS is not set\. .*\n$/),
    });
    expect(await stopped({ ENCRYPTION_KEYS: `${other},${key}` })).toBe(jwks);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('finishes the requests in flight on %s, and exits 0', async (signal) => {
    const server = await startServer(await newUrl());
    const target = new URL(server.address);
    const finishSignUp = await beginRequest(server.address, signUp);
    const idle = connect(Number(target.port), target.hostname);
    await once(idle, 'connect');
    server.child.kill(signal);
    await server.until(/finishing the requests in flight/);
    const { status, text } = await finishSignUp();
    expect(status).toBe(200);
    expect(JSON.parse(text).data.signUp.token).toMatch(/\./);
    expect((await server.ended).code).toBe(0);
    idle.destroy();
  });

  it.each([
    ['a rejection', "Promise.reject(new Error('unhandled on purpose'))"],
    ['an exception', "throw new Error('unhandled on purpose')"],
  ])('logs %s without a handler, finishes the requests in flight, and exits 1', async (_kind, statement) => {
    const probe = join(await temporaryFolder(), 'probe.mjs');
    // Twice: the second one comes while the server is stopping.
    const fail = `setTimeout(() => { ${statement}; }, 10); setTimeout(() => { ${statement}; }, 100)`;
    await writeFile(probe, `process.on('SIGUSR2', () => { ${fail} });`);
    const server = await startServer(await newUrl(), { NODE_OPTIONS: `--import ${probe}` });
    const finishSignUp = await beginRequest(server.address, signUp);
    server.child.kill('SIGUSR2');
    await expect.poll(() => server.printed().match(/Error: unhandled on purpose/g)).toHaveLength(2);
    const { status, text } = await finishSignUp();
    expect(status).toBe(200);
    expect(JSON.parse(text).data.signUp.token).toMatch(/\./);
    const { code, stdout, stderr } = await server.ended;
    expect(code).toBe(1);
    expect(stderr.match(/Error: unhandled on purpose/g)).toHaveLength(2);
    expect(stdout.match(/finishing the requests in flight/g)).toHaveLength(1);
  });

  it('ends despite a request that never finishes, before the timeout of a request', async () => {
    const server = await startServer(await newUrl());
    const { port, hostname } = new URL(server.address);
    const stuck = connect(Number(port), hostname);
    const head = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n';
    stuck.write(`${head}Content-Type: application/json\r\n\r\n{`);
    expect(String(await once(stuck, 'data'))).toMatch(/^HTTP\/1\.1 100 Continue/);
    let answer = '';
    stuck.on('data', (piece) => {
      answer += piece;
    });
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
    // Not 408, which comes after ten seconds.
    expect(answer).toBe('');
    stuck.destroy();
  });
});

describe('invalid database', () => {
  it('stops the server and the command line with a sentence', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'text.db'), 'This is no database, and long enough to be seen to be none.'.repeat(50));
    await mkdir(join(folder, 'folder.db'));
    for (const name of ['text.db', 'folder.db']) {
      const env = { DATABASE_URL: `file:${join(folder, name)}`, PORT: '0' };
      for (const [file, args] of [
        ['src/main.ts', []],
        ['src/cli.ts', ['prune']],
      ] as const) {
        const { code, stderr } = await runNode(file, [...args], env).ended;
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^DATABASE_URL names .*\.\n$/) });
      }
    }
  });
});

describe('malformed request', () => {
  /** Sends bytes, and returns the whole answer. */
  function raw(address: string, bytes: string): Promise<string> {
    const { port, hostname } = new URL(address);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  }

  it('gets 400 without a stack trace, and other requests continue', async () => {
    const server = await startServer(await newUrl());
    const hosts = ['[', 'a b', '%00', 'a/b', 'x:y', 'x:999999', 'ü', '', '[::1', 'a@b', 'a?b'];
    const requests = hosts.map((host) => `GET /graphql HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const targets = ['http://evil.example/graphql', '*', 'graphql', '\\graphql'];
    requests.push(...targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`));
    requests.push('GET /graphql HTTP/1.1\r\nConnection: close\r\n\r\n', 'NONSENSE\r\n\r\n');
    for (const bytes of requests) {
      const answer = await raw(server.address, bytes);
      expect(answer, bytes).toMatch(/^HTTP\/1\.1 400 /);
      expect(answer, bytes).not.toMatch(/\.(js|ts):\d|node:internal/);
    }
    const nested = await raw(server.address, 'GET //graphql HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(nested).toMatch(/^HTTP\/1\.1 404 /);
    expect((await ask(server.address, '{ __typename }')).data).toEqual({ __typename: 'Query' });
    expect(server.printed()).not.toContain('Error');
  });

  it('is cut off when it stays incomplete, without a report', async () => {
    const server = await startServer(await newUrl());
    const ended: string[] = [];
    const begin = async (part: string) => {
      ended.push(`${part} ${await raw(server.address, `POST /graphql HTTP/1.1\r\nHost: localhost\r\n${part}`)}`);
    };
    // The headers may take half as long as the whole request.
    await Promise.all([begin('Content-Length: 9\r\nContent-Type: application/json\r\n\r\n{'), begin('Content-Ty')]);
    expect(ended).toEqual([
      expect.stringMatching(/^Content-Ty HTTP\/1\.1 408 /),
      expect.stringMatching(/\{ HTTP\/1\.1 408 /),
    ]);
    const { port, hostname } = new URL(server.address);
    const head =
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"qu';
    for (let n = 0; n < 5; n += 1) {
      const socket = connect(Number(port), hostname, () =>
        socket.write(head, () => setTimeout(() => socket.resetAndDestroy(), 50)),
      );
      socket.on('error', () => {});
      await once(socket, 'close');
    }
    await sleep(200);
    expect((await ask(server.address, '{ __typename }')).data).toEqual({ __typename: 'Query' });
    expect(server.printed()).not.toMatch(/aborted|Error/);
  });

  it('is cut off when its body is too large, without being read to the end', async () => {
    const server = await startServer(await newUrl());
    const head = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const announced = await raw(server.address, `${head}Connection: close\r\nContent-Length: 99999999\r\n\r\n{`);
    expect(announced).toMatch(/^HTTP\/1\.1 413 /);
    const chunk = `${(60_000).toString(16)}\r\n${' '.repeat(60_000)}\r\n`;
    const chunked = await raw(
      server.address,
      `${head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`,
    );
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
    expect((await ask(server.address, '{ __typename }')).data).toEqual({ __typename: 'Query' });
  });
});
