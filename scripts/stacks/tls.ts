/** TLS in front of the server, for software that accepts nothing else. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { promisify } from 'node:util';
import { applicationHost } from '../checks/client.ts';
import { ports } from './stack.ts';

/** The certificate that clients have to trust, in the folder that was given to `serveTls`. */
export const certificateFile = 'certificate.pem';

/** Writes a new key and a certificate for some hosts. */
export async function createCertificate(key: string, certificate: string, hosts: string[]): Promise<void> {
  const names = hosts.map((host) => `DNS:${host}`).join();
  const subject = ['-subj', `/CN=${hosts[0]}`, '-addext', `subjectAltName=${names}`];
  const files = ['-keyout', key, '-out', certificate];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject, ...files]);
}

/** Passes the connections to `https://localhost:4443` on to the server, with a new certificate. */
export async function serveTls(folder: string): Promise<{ stop(): Promise<void> }> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, certificateFile)];
  await createCertificate(key, certificate, ['localhost', applicationHost]);
  const server = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (client) => {
    const onward = connect(ports.accounts, '127.0.0.1');
    // Either end may go away.
    for (const [end, other] of [[client, onward] as const, [onward, client] as const]) {
      end.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
    client.pipe(onward).pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(ports.tls, '127.0.0.1', resolve);
  });
  return { stop: () => new Promise((resolve) => server.close(() => resolve())) };
}
