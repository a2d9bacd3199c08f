import { access, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Plugin } from 'graphql-yoga';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createServer, type ServerOptions } from '../../src/server/create-server.ts';
import { emptyDatabase, temporaryFolder } from '../support/database.ts';

type Env = NonNullable<ServerOptions['env']>;

/** Creates a server on the database of the test. The test stops it, or its end does. */
async function create(env: Env = {}, options: ServerOptions = {}) {
  const mail = { MAIL_FOLDER: await temporaryFolder() };
  const settings = { DATABASE_URL: await emptyDatabase(), PORT: '0', ...mail, ...env };
  const reported: unknown[] = [];
  const server = await createServer({ env: settings, report: (error) => reported.push(error), ...options });
  onTestFinished(() => server.stop());
  return { server, settings, reported };
}

const query = (url: string) =>
  new Request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ viewer { id } }' }),
  });

describe('createServer', () => {
  it('serves at the address that listen returns', async () => {
    const { server, reported } = await create();
    const { url, port } = await server.listen();
    expect(url).toBe(`http://localhost:${port}/graphql`);
    const response = await fetch(query(url));
    expect(await response.json()).toEqual({ data: { viewer: null } });
    expect(reported).toEqual([]);
  });

  it('answers requests without listening, and knows the address of their client', async () => {
    const { server } = await create({ ANONYMOUS_SESSIONS_PER_ADDRESS: '1' });
    const start = (clientAddress?: string) => {
      const body = JSON.stringify({
        query: 'mutation { startSession(transport: BEARER) { token } }',
      });
      const headers = { 'content-type': 'application/json' };
      const request = new Request('http://localhost/graphql', { method: 'POST', headers, body });
      return server.fetch(request, clientAddress).then((response) => response.json());
    };
    expect(await start('192.0.2.1')).not.toHaveProperty('errors');
    expect(await start('192.0.2.1')).toHaveProperty('errors');
    expect(await start('198.51.100.2')).not.toHaveProperty('errors');
    expect(await start()).not.toHaveProperty('errors');
  });

  it('creates the database and migrates it', async () => {
    const { server } = await create({ DATABASE_URL: `file:${await temporaryFolder()}/data/new.db` });
    expect((await server.fetch(new Request('http://localhost/ready'))).status).toBe(200);
  });

  it('calls the observer and the plugins of the program', async () => {
    const seen: string[] = [];
    const { server } = await create(
      {},
      {
        observe: ({ target }) => {
          seen.push(target);
          return ({ headers }) => {
            headers['x-request-id'] = '7';
          };
        },
        plugins: [{ onExecute: () => void seen.push('execute') }],
      },
    );
    const response = await server.fetch(query('http://localhost/graphql'));
    expect(response.headers.get('x-request-id')).toBe('7');
    expect(seen).toEqual(['/graphql', 'execute']);
  });

  it('reports unexpected errors to the program, once', async () => {
    const bug = new Error('a bug in the plugin of the program');
    const plugins = [
      {
        onExecute: () => {
          throw bug;
        },
      },
    ];
    const { server, reported } = await create({}, { plugins });
    await server.fetch(query('http://localhost/graphql'));
    expect(reported).toEqual([bug]);
  });

  it('rejects with a sentence that names an invalid setting, and reads no other environment', async () => {
    await expect(createServer({ env: { PORT: 'http' } })).rejects.toThrow(/^PORT is "http", but it must be/);
    await expect(createServer({ env: { NODE_ENV: 'production' } })).rejects.toThrow(/^PUBLIC_URL is /);
    await expect(createServer({ env: { BLITZ_COOKIES: 'a b' } })).rejects.toThrow(/^BLITZ_COOKIES is /);
  });

  it('rejects trusted documents that are not valid before it opens the database, and reloads them on demand', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'documents.json');
    const env = { TRUSTED_DOCUMENTS: file, DATABASE_URL: `file:${folder}/new.db` };
    await writeFile(file, '{ "a": "{ viewer { emial } }" }');
    await expect(create(env)).rejects.toThrow(`The document "a" in ${file} cannot be trusted: Cannot query field`);
    await expect(access(join(folder, 'new.db'))).rejects.toThrow('ENOENT');
    await expect(create({ TRUSTED_DOCUMENTS_MODE: 'only' })).rejects.toThrow(/^TRUSTED_DOCUMENTS_MODE is "only", but/);
    await writeFile(file, '{ "a": "{ __typename }" }');
    const { server } = await create(env);
    await writeFile(file, '{ "a": "{ viewer { id } }" }');
    await server.reloadTrustedDocuments();
    const found = await server.fetch(new Request('http://localhost/graphql?documentId=a'));
    expect(await found.json()).toEqual({ data: { viewer: null } });
    await writeFile(file, '{');
    await expect(server.reloadTrustedDocuments()).rejects.toThrow(`The file ${file} is not a JSON object.`);
  });

  it('keeps nothing open after a failure', async () => {
    const file = join(await temporaryFolder(), 'sessions.db');
    await writeFile(file, 'This is no database, and long enough to be seen to be none.'.repeat(50));
    await expect(create({ DATABASE_URL: `file:${file}` })).rejects.toThrow(/^DATABASE_URL names /);
    await rm(file);
    const { server } = await create({ DATABASE_URL: `file:${file}` });
    expect((await server.fetch(query('http://localhost/graphql'))).status).toBe(200);
  });
});

describe('listen', () => {
  it('rejects with a sentence if the port is taken, and succeeds when it is free', async () => {
    const other = createHttpServer().listen(0, '127.0.0.1');
    await expect.poll(() => other.listening).toBe(true);
    // A server that listens on TCP has an address with a port.
    const { port } = other.address() as AddressInfo;
    const { server } = await create({ PORT: String(port) });
    await expect(server.listen()).rejects.toThrow(new RegExp(`^HOST is "127.0.0.1" and PORT is "${port}"`));
    await new Promise((resolve) => other.close(resolve));
    expect(await server.listen()).toEqual({ url: `http://localhost:${port}/graphql`, port });
    await expect(server.listen()).rejects.toThrow('listens already');
  });
});

describe('stop', () => {
  it('finishes the requests in flight, closes the port, and lets another server have the database', async () => {
    let inFlight = 0;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const waiting: Plugin = {
      async onExecute() {
        inFlight += 1;
        await released;
      },
    };
    const { server, settings, reported } = await create({}, { plugins: [waiting] });
    const { url } = await server.listen();
    const answers = [fetch(query(url)), server.fetch(query('http://localhost/graphql'))];
    await expect.poll(() => inFlight).toBe(2);
    const stopped = server.stop();
    expect(server.stop()).toBe(stopped);
    release();
    await stopped;
    for (const answer of answers) expect((await answer).status).toBe(200);
    expect(reported).toEqual([]);
    await expect(fetch(query(url))).rejects.toThrow();
    await expect(server.fetch(query('http://localhost/graphql'))).rejects.toThrow('has been stopped');
    await expect(server.listen()).rejects.toThrow('has been stopped');
    const next = await create(settings);
    expect((await next.server.fetch(query('http://localhost/graphql'))).status).toBe(200);
  });

  it('answers for DRAIN_TIME, while it is not ready', async () => {
    const { server } = await create({ DRAIN_TIME: '1s' });
    const { url, port } = await server.listen();
    const stopped = server.stop();
    expect((await fetch(`http://127.0.0.1:${port}/ready`)).status).toBe(503);
    expect((await fetch(query(url))).status).toBe(200);
    expect((await server.fetch(query('http://localhost/graphql'))).status).toBe(200);
    await stopped;
  });
});
