/** @module-tag slow/package */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { password } from '../support/api.ts';

const run = promisify(execFile);

/** Below this, and without the packages that are only needed to build. */
const maxMegabytes = 180;

/** The files in the folders of the examples that only belong to a clone. */
const ignored =
  /(^|\/)(package-lock\.json|generated|__generated__|\.next|dist|next-env\.d\.ts|page\.js|.*\.tsbuildinfo)(\/|$)/;

/** The environment of a user's shell: that of npm, which runs the tests, is left out, and this Node is the first. */
// biome-ignore lint/style/noProcessEnv: npm needs the settings of the machine
const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV|NODE_OPTIONS|VITEST)/i.test(name));
const { PATH = '', ...others } = Object.fromEntries(inherited);
const path = [dirname(process.execPath), PATH].join(delimiter);
const env = { ...others, PATH: path, NO_COLOR: '1', LOG_FORMAT: 'text' };

/** The folder with the package, and the folder of a user who has installed it. */
let folder = '';
let home = '';
let tarball = '';
let packed: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-package-'));
  home = await mkdtemp(join(tmpdir(), 'graphql-sessions-user-'));
  // Not by the script `prepack`, which would write the generated clients again while other tests import them.
  await run(process.execPath, ['scripts/build.ts'], { env });
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [made] = Object.values<{ filename: string; files: { path: string }[] }>(
    JSON.parse((await run('npm', pack, { env })).stdout),
  );
  if (!made) throw new Error('npm has packed nothing.');
  packed = made.files.map(({ path }) => path);
  tarball = join(folder, made.filename);
  // Without it, npm would install into a folder above that has one.
  await writeFile(join(home, 'package.json'), '{}');
  await run('npm', ['install', tarball], { cwd: home, env });
});

afterAll(async () => {
  for (const path of [folder, home]) await rm(path, { recursive: true, force: true });
});

/** Runs `npx graphql-sessions` in the folder of the user. */
function command(args: string[], settings: Record<string, string> = {}) {
  const child = spawn('npx', ['graphql-sessions', ...args], { cwd: home, env: { ...env, ...settings } });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text;
    });
  }
  return { child, printed: () => output, closed: once(child, 'close') };
}

async function ask(address: string, query: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify({ query }) });
  return response.json();
}

const signUp = `mutation { signUp(email: "ada@example.com", password: "${password}", transport: BEARER) {
  ... on SignInPayload { viewer { email } } } }`;

describe('package', () => {
  it('contains JavaScript, types and migrations, and no TypeScript but that of the examples', () => {
    const others = packed.filter((path) => !path.startsWith('examples/'));
    expect(others.filter((path) => /\.[cm]?tsx?$/.test(path) && !path.endsWith('.d.ts'))).toEqual([]);
    expect(packed.filter((path) => /^(src|test|scripts|bench)\//.test(path))).toEqual([]);
    for (const path of [
      'schema.graphql',
      'LICENSE',
      '.env.example',
      'dist/THIRD-PARTY-LICENSES.txt',
      'dist/server/create-server.d.ts',
      'dist/database/sqlite/checkpoint-worker.js',
      'dist/mail/templates/verify-email.html',
      'examples/applications/next/app/layout.tsx',
      'examples/clients/apollo/src/client.ts',
      'prisma/migrations/20200627163756_users_and_sessions/migration.sql',
      'prisma/postgresql/migrations/20200627163756_users_and_sessions/migration.sql',
    ]) {
      expect(packed).toContain(path);
    }
  });

  it('contains the examples without installed, generated and built files', () => {
    expect(packed.filter((path) => path.startsWith('examples/')).sort()).toEqual(
      globSync('examples/**/*', { exclude: ['**/node_modules'] })
        .filter((path) => statSync(path).isFile() && !ignored.test(path))
        .sort(),
    );
  });

  it('names the licence of every package whose code it contains', async () => {
    const licenses = await readFile(join(home, 'node_modules/graphql-sessions/dist/THIRD-PARTY-LICENSES.txt'), 'utf8');
    const vendored = packed.flatMap((path) => /^dist\/vendor\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
    expect(new Set(vendored).size).toBeGreaterThan(0);
    expect(vendored).toContain('better-sqlite3');
    for (const name of new Set(vendored)) expect(licenses).toMatch(new RegExp(`^${name} \\d`, 'm'));
  });

  it('has no problem that publint knows', async () => {
    const { buffer } = new Uint8Array(await readFile(tarball));
    expect((await publint({ pack: { tarball: buffer }, strict: true })).messages).toEqual([]);
  });

  it('has types that match its code, for modules of ES', async () => {
    const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))), {
      excludeEntrypoints: ['./schema.graphql', './package.json'],
    });
    if (!checked.types) throw new Error('The package has no types.');
    // A CommonJS module loads the package by `require` or `import()` of its ES module. `node10` knows no `exports`.
    const problems = checked.problems.filter((problem) => {
      const kind = 'resolutionKind' in problem ? problem.resolutionKind : null;
      return kind !== 'node10' && problem.kind !== 'CJSResolvesToESM';
    });
    expect(problems).toEqual([]);
    expect(Object.keys(checked.entrypoints)).toEqual(expect.arrayContaining(['.', './verify']));
  });
});

describe('installed package', () => {
  it('takes less than 180 MB, brings no tools and no Node, and runs no script', async () => {
    const entries = await readdir(join(home, 'node_modules'), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    const sizes = await Promise.all(files.map((file) => stat(file)));
    // As `du` counts: whole blocks.
    const bytes = sizes.reduce((sum, { blocks }) => sum + blocks * 512, 0);
    expect(bytes / 1_000_000).toBeLessThan(maxMegabytes);
    const lock = JSON.parse(await readFile(join(home, 'node_modules/.package-lock.json'), 'utf8'));
    const installed = Object.entries<{ hasInstallScript?: boolean }>(lock.packages);
    expect(installed.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
    const names = installed.map(([path]) => path.replace(/^.*node_modules\//, ''));
    expect(names).toContain('graphql-sessions');
    expect(names.filter((name) => /^(node-(linux|win|darwin)|@prisma\/|prisma$|typescript$)/.test(name))).toEqual([]);
    // `npm ci` would run node-gyp, and fail without Python.
    expect(files.filter((file) => file.endsWith('binding.gyp'))).toEqual([]);
    expect(names).not.toContain('better-sqlite3');
  });

  it('serves in an empty folder, beside commands, and stops with npx', async () => {
    const server = command([], { PORT: '0' });
    await expect.poll(server.printed).toMatch(/^GraphiQL /m);
    expect(server.printed()).toMatch(/^Database {2}file:data\/sessions\.db$/m);
    const address = /^GraphQL +(\S+)$/m.exec(server.printed())?.[1] ?? '';
    expect(await ask(address, signUp)).toEqual({ data: { signUp: { viewer: { email: 'ada@example.com' } } } });

    const admin = command(['create-admin', 'root@example.com']);
    admin.child.stdin.end(password);
    expect(await admin.closed).toEqual([0, null]);
    expect(admin.printed()).toBe('Created root@example.com, with the role admin.\n');

    server.child.kill('SIGTERM');
    await server.closed;
    await expect.poll(server.printed).toMatch(/^Stopping +SIGTERM: finishing/m);
    // The file is free when the first server has ended.
    await expect.poll(() => readdir(join(home, 'data'))).not.toContain('sessions.db-wal');
    const again = command(['serve'], { PORT: '0' });
    await expect.poll(again.printed).toMatch(/^GraphiQL /m);
    expect(again.printed()).not.toMatch(/Migrated/);
    again.child.kill('SIGTERM');
    await again.closed;
  });

  it('has the commands and exit codes of the command line', async () => {
    const version = command(['--version']);
    expect(await version.closed).toEqual([0, null]);
    expect(version.printed()).toBe(`${packageJson.version}\n`);
    expect(await command(['bogus']).closed).toEqual([2, null]);
    expect(await command(['revoke', 'nope']).closed).toEqual([1, null]);
    expect(await command(['serve'], { PORT: 'none' }).closed).toEqual([1, null]);
    const schema = command(['print-schema']);
    await schema.closed;
    expect(schema.printed()).toBe(await readFile('schema.graphql', 'utf8'));
  });

  it('verifies the requests of a backend in a program, which loads nothing else of the package', async () => {
    const program = `import { createVerifier } from 'graphql-sessions/verify';
      const verifier = createVerifier({ url: process.env.SERVER, clientId: process.env.ID, clientSecret: process.env.SECRET });
      const { user } = await verifier.verify({ authorization: 'Bearer ' + process.env.TOKEN });
      console.log(user.email, await verifier.verify({ authorization: 'Bearer x' }));`;
    await writeFile(join(home, 'verify.mjs'), program);
    const server = command([], { PORT: '0', DATABASE_URL: 'file:verify.db' });
    await expect.poll(server.printed).toMatch(/^GraphiQL /m);
    const address = /^GraphQL +(\S+)$/m.exec(server.printed())?.[1] ?? '';
    const signingUp = signUp.replace('viewer { email }', 'token');
    // The answer of `signUp` above, with the token.
    const { data } = (await ask(address, signingUp)) as { data: { signUp: { token: string } } };
    const creating = command(['service-client', 'create', 'my-api', '--scope', 'introspect', '--json'], {
      DATABASE_URL: 'file:verify.db',
    });
    await creating.closed;
    const { clientId, clientSecret } = JSON.parse(creating.printed());
    const settings = { SERVER: new URL(address).origin, ID: clientId, SECRET: clientSecret, TOKEN: data.signUp.token };
    const { stdout } = await run(process.execPath, ['verify.mjs'], { cwd: home, env: { ...env, ...settings } });
    expect(stdout).toBe('ada@example.com null\n');
    server.child.kill('SIGTERM');
    await server.closed;
    const entry = join(home, 'node_modules/graphql-sessions/dist/verify');
    const files = (await readdir(entry, { recursive: true })).filter((file) => file.endsWith('.js'));
    const imports: string[] = [];
    for (const file of files) {
      const code = await readFile(join(entry, file), 'utf8');
      for (const [, name = ''] of code.matchAll(/^(?:import|export)\b.* from ["']([^"']+)["']/gm)) {
        imports.push(name.startsWith('.') ? join(dirname(file), name) : name);
      }
    }
    expect(imports.length).toBeGreaterThan(files.length);
    expect(imports.filter((name) => !files.includes(name))).toEqual([]);
  });

  it('creates a server in a program, with types', async () => {
    const program = `import { createServer, type Server } from 'graphql-sessions';
      import { createRequire } from 'node:module';
      import type { Plugin } from 'graphql-yoga';
      const plugin: Plugin = { onExecute() {} };
      const env: NodeJS.ProcessEnv = { ...process.env, DATABASE_URL: 'file:program.db', PORT: '0' };
      const server: Server = await createServer({ env, plugins: [plugin] });
      const { port } = await server.listen();
      const { status } = await fetch(\`http://127.0.0.1:\${port}/ready\`);
      await server.stop();
      console.log(status, createRequire(import.meta.url).resolve('graphql-sessions/schema.graphql'));`;
    await writeFile(join(home, 'package.json'), '{ "type": "module" }');
    await writeFile(join(home, 'program.ts'), program);
    const types = ['--types', 'node', '--typeRoots', join(process.cwd(), 'node_modules/@types')];
    const options = ['--strict', '--target', 'es2024', '--module', 'nodenext', ...types, 'program.ts'];
    const compiler = join(process.cwd(), 'node_modules/typescript/bin/tsc');
    const compiled = await run(process.execPath, [compiler, ...options], { cwd: home, env }).catch((error) => error);
    // Yoga's own dependencies have types with errors, for programs without `skipLibCheck`.
    const errors = String(compiled.stdout).split('\n');
    expect(errors.filter((line) => /^(program|node_modules\/graphql-sessions\/)/.test(line))).toEqual([]);
    const { stdout } = await run(process.execPath, ['program.js'], { cwd: home, env });
    expect(stdout).toMatch(/^200 .*schema\.graphql\n$/);
  });
});
