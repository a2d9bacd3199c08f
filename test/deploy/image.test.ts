/** @module-tag slow/image */
import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { password } from '../support/api.ts';
import { hasContainers, image, openPodman, type Podman } from '../support/container.ts';
import { freePort } from '../support/ports.ts';
import { onServer, startPostgresql } from '../support/postgresql-server.ts';

const publicUrl = 'https://accounts.example.com';
const signUp = `mutation {
  signUp(email: "ada@example.com", password: "${password}", transport: BEARER) { ... on SignInPayload { token } }
}`;

let containers: Podman;

beforeAll(async () => {
  if (!hasContainers) return;
  containers = await openPodman(await mkdtemp(join(tmpdir(), 'graphql-sessions-image-')));
  // biome-ignore lint/style/noProcessEnv: npm needs the settings of the machine
  const { PATH = '', ...inherited } = process.env;
  const others = Object.fromEntries(
    Object.entries(inherited).filter(([name]) => !/^(npm_|NODE_ENV|VITEST)/.test(name)),
  );
  const env = { ...others, ...containers.env, PATH: [dirname(process.execPath), PATH].join(delimiter) };
  await promisify(execFile)(process.execPath, ['scripts/image/main.ts'], { env });
});

afterAll(async () => {
  if (hasContainers) await containers.close();
});

async function ask(port: number, query: string, token?: string): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query }),
  });
  return answer.json();
}

/** The host in `ALLOWED_HOSTS` is that of the requests of this test. */
async function serve(settings: Record<string, string>, volume?: string) {
  const port = await freePort();
  const env = { PORT: String(port), PUBLIC_URL: publicUrl, ALLOWED_HOSTS: '127.0.0.1', ...settings };
  const server = containers.run(env, [], volume === undefined ? {} : { volume });
  await server.until(/"msg":"GraphiQL"/);
  const inside = (...args: string[]) => containers.podman('exec', server.name, '/usr/local/bin/node', ...args);
  return { ...server, port, inside };
}

describe.skipIf(!hasContainers)('container image', () => {
  it('is small, and runs as a user of its own, with a health check and labels', async () => {
    const [facts] = JSON.parse(await containers.podman('image', 'inspect', image));
    expect(facts.Size).toBeLessThan(200_000_000);
    expect(facts.User).toBe('10001:10001');
    expect(facts.Config.Volumes).toEqual({ '/data': {} });
    expect(facts.Healthcheck.Test).toEqual(['CMD', '/usr/local/bin/node', '/app/dist/bin.js', 'health']);
    expect(facts.Labels).toMatchObject({
      'org.opencontainers.image.version': packageJson.version,
      'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });

  it('serves from a volume with every other folder read-only, and stops in order as process 1', async () => {
    await containers.podman('volume', 'create', 'sessions');
    const first = await serve({}, 'sessions');
    const { data } = (await ask(first.port, signUp)) as { data: { signUp: { token: string } } };
    const { token } = data.signUp;
    expect(await first.inside('/app/dist/bin.js', 'health')).toBe('ready');
    const facts = "fs.readFileSync('/proc/1/cmdline', 'utf8') + fs.readFileSync('/proc/1/status', 'utf8')";
    const server = await first.inside('-p', facts);
    expect(server).toMatch(/^\/usr\/local\/bin\/node\0.*bin\.js/);
    expect(server).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
    expect(server).toMatch(/^CapEff:\t0+$/m);
    const writable = `['/', '/app', '/etc', '/tmp', '/data'].filter((path) => {
      try { fs.writeFileSync(path + '/x', ''); fs.rmSync(path + '/x'); return true; } catch { return false; }
    }).join()`;
    expect(await first.inside('-p', writable)).toBe('/data');

    first.child.kill('SIGTERM');
    const { code, stdout } = await first.ended;
    expect({ code, isOrdered: stdout.includes('SIGTERM: finishing the requests in flight.') }).toEqual({
      code: 0,
      isOrdered: true,
    });
    const again = await serve({}, 'sessions');
    expect(await ask(again.port, '{ viewer { email } }', token)).toEqual({
      data: { viewer: { email: 'ada@example.com' } },
    });
  });

  it('runs commands, and serves on PostgreSQL without any writable folder', async () => {
    const postgresql = await startPostgresql();
    const env = { PUBLIC_URL: publicUrl, DATABASE_URL: postgresql.url, SMTP_URL: 'smtp://127.0.0.1:1' };
    try {
      const migrated = await containers.run(env, ['migrate']).ended;
      expect(migrated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Migrated /) });
      const admin = await containers.run(env, ['create-admin', 'root@example.com'], { input: password }).ended;
      expect(admin).toMatchObject({ code: 0, stdout: 'Created root@example.com, with the role admin.\n' });
      expect(await containers.run({ ...env, PORT: '1' }, ['health']).ended).toMatchObject({ code: 1 });
      const server = await serve(env);
      expect(server.printed()).not.toContain('"msg":"Migrated"');
      await ask(server.port, signUp);
      const users = await onServer(postgresql.url, 'SELECT "email" FROM "User" ORDER BY "id"');
      expect(users).toEqual([{ email: 'root@example.com' }, { email: 'ada@example.com' }]);
      server.child.kill('SIGTERM');
      expect((await server.ended).code).toBe(0);
    } finally {
      await postgresql.stop();
    }
  });
});
