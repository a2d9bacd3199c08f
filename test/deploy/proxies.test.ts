/** @module-tag slow/image */
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { program, startProgram } from '../../scripts/checks/processes.ts';
import { mainConfiguration } from '../../scripts/stacks/software/nginx.ts';
import { createCertificate } from '../../scripts/stacks/tls.ts';
import { password } from '../support/api.ts';
import { temporaryFolder } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { startServer } from '../support/process.ts';

const host = 'accounts.example.com';
const clientAddress = '127.0.0.9';
const forgedTrace = '0af7651916cd43dd8448eb211c80319c';
const forged = {
  'x-forwarded-for': '203.0.113.9',
  'x-request-id': 'forged',
  traceparent: `00-${forgedTrace}-b7ad6b7169203331-01`,
  tracestate: 'forged=1',
};
const signUp = `mutation { signUp(email: "ada@example.com", password: "${password}") { ... on SignInPayload { viewer { email } } } }`;

type Ports = { server: number; http: number; https: number };

/** Replaces places of a configuration. It must have all of them. */
function replaceAll(text: string, places: Record<string, string>): string {
  return Object.entries(places).reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`The file lacks "${from}".`);
    return result.replaceAll(from, to);
  }, text);
}

async function writeCertificate(folder: string): Promise<{ key: string; certificate: string }> {
  const [key, certificate] = [join(folder, 'privkey.pem'), join(folder, 'fullchain.pem')];
  await createCertificate(key, certificate, [host]);
  return { key, certificate };
}

async function startNginx(folder: string, ports: Ports): Promise<void> {
  await writeCertificate(folder);
  const places = {
    'listen 80;': `listen 127.0.0.1:${ports.http};`,
    'listen 443 ': `listen 127.0.0.1:${ports.https} `,
    '/etc/ssl/accounts': folder,
    '127.0.0.1:4000': `127.0.0.1:${ports.server}`,
  };
  const [site, main] = [join(folder, 'site.conf'), join(folder, 'nginx.conf')];
  await writeFile(site, replaceAll(await readFile('deploy/nginx.conf', 'utf8'), places));
  await writeFile(main, mainConfiguration(folder, site));
  const args = ['-p', folder, '-c', main, '-e', 'stderr'];
  const { stop } = await startProgram('nginx', args, { cwd: folder, env: {}, port: ports.https });
  onTestFinished(stop);
}

async function startCaddy(folder: string, ports: Ports): Promise<void> {
  const { key, certificate } = await writeCertificate(folder);
  const global = `admin off\ndefault_bind 127.0.0.1\nhttp_port ${ports.http}\nhttps_port ${ports.https}`;
  const places = {
    // The authority from which Caddy would get a certificate is not reachable.
    [`${host} {`]: `${host} {\ntls ${certificate} ${key}`,
    '127.0.0.1:4000': `127.0.0.1:${ports.server}`,
  };
  const site = replaceAll(await readFile('deploy/Caddyfile', 'utf8'), places);
  const file = join(folder, 'Caddyfile');
  await writeFile(file, `{\n${global}\n}\n${site}`);
  const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const { stop } = await startProgram('caddy', ['run', '--config', file], { cwd: folder, env, port: ports.https });
  onTestFinished(stop);
}

/** Opens a connection with HTTP/2, as a browser does, and returns a function that sends an operation. */
function openBrowser(port: number) {
  const session = connect(`https://${host}`, {
    createConnection: () =>
      connectTls({
        ...{ host: '127.0.0.1', port, servername: host, localAddress: clientAddress },
        ...{ ALPNProtocols: ['h2'], rejectUnauthorized: false },
      }),
  });
  onTestFinished(() => session.destroy());
  return async (body: string, headers: Record<string, string> = {}) => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/graphql', 'content-type': 'application/json' },
      'content-length': Buffer.byteLength(body),
      ...headers,
    });
    const answered = new Promise<Record<string, unknown>>((resolve, reject) => {
      stream.once('response', resolve);
      stream.once('error', reject);
    });
    // A request by GET has ended already.
    if (body !== '') stream.end(body);
    const received = await answered;
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    return { status: received[':status'], headers: received, text };
  };
}

describe.each([
  ['nginx', 'deploy/nginx.conf', startNginx],
  ['caddy', 'deploy/Caddyfile', startCaddy],
] as const)('%s with %s', (name, _file, start) => {
  it.skipIf(!program(name, name).isInstalled())(
    'passes requests on, with the address, the id and the trace of its own',
    async () => {
      const folder = await temporaryFolder();
      const ports = { server: await freePort(), http: await freePort(), https: await freePort() };
      const settings = {
        ...{ NODE_ENV: 'production', PUBLIC_URL: `https://${host}`, TRUSTED_PROXIES: '127.0.0.1' },
        ...{ PORT: String(ports.server), LOG_FORMAT: 'json', MAIL_FOLDER: join(folder, 'mail') },
        // Nobody receives the traces. The log has their ids.
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      };
      const server = await startServer(`file:${join(folder, 'sessions.db')}`, settings);
      await start(folder, ports);
      const send = openBrowser(ports.https);

      const signedUp = await send(JSON.stringify({ query: signUp }), forged);
      expect(signedUp.text).toBe('{"data":{"signUp":{"viewer":{"email":"ada@example.com"}}}}');
      expect(signedUp.headers['strict-transport-security']).toMatch(/^max-age=/);
      const id = String(signedUp.headers['x-request-id']);
      expect(id).toMatch(/^[\w-]{32,}$/);
      await expect.poll(server.printed).toContain(`"requestId":"${id}"`);
      expect(server.printed()).toContain('"traceId":"');
      expect(server.printed()).not.toContain(forgedTrace);
      expect((await send('', { ':method': 'GET', ':path': '/ready' })).status).toBe(404);
      expect((await send('', { ':method': 'GET', ':path': '/health' })).text).toBe('ok\n');
      const [cookie = ''] = String(signedUp.headers['set-cookie']).split(';');
      expect(cookie).toMatch(/^__Host-session=/);

      const read = await send('{"query": "{ currentSession { ipAddress } }"}', { ...forged, cookie });
      expect(read.text).toBe(`{"data":{"currentSession":{"ipAddress":"${clientAddress}"}}}`);
      expect((await send(JSON.stringify({ query: '#'.repeat(150_000) }))).status).toBe(413);

      const plain = await fetch(`http://127.0.0.1:${ports.http}/graphql`, { redirect: 'manual', headers: { host } });
      expect(plain.status).toBeGreaterThanOrEqual(301);
      expect(plain.headers.get('location')).toMatch(/^https:\/\//);
    },
  );
});
