import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { debianFile, program } from '../../checks/processes.ts';
import { ports, type Stack } from '../stack.ts';
import { certificateFile, serveTls } from '../tls.ts';

const modules = '/usr/lib/apache2/modules';

/** The modules that Debian enables, and those that the comment in app.conf enables. */
const loaded = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'auth_openidc',
  'headers',
  'proxy',
  'proxy_http',
];

/** The rest of Debian's apache2.conf, for a process without rights of its own. */
const main = (folder: string) => `
ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/apache.pid
Mutex file:${folder}
ErrorLog ${folder}/error.log
OIDCCABundlePath ${folder}/${certificateFile}
${loaded.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join('\n')}
Include ${resolve('examples/stacks/apache/app.conf')}
`;

export const apache: Stack = {
  name: 'apache',
  transports: ['COOKIE', 'BEARER'],
  port: ports.proxy,
  isProxy: true,
  refusesForgery: true,
  removesUnderscores: false,
  // Apache keeps the status of an error whose page fails too.
  statusWithoutServer: 401,
  programs: [
    program('apache2', 'apache2'),
    debianFile(`${modules}/mod_auth_openidc.so`, 'libapache2-mod-auth-openidc'),
  ],
  async start({ folder, clientId, clientSecret, run, atEnd }) {
    const file = join(folder, 'apache2.conf');
    await writeFile(file, main(folder));
    atEnd((await serveTls(folder)).stop);
    const env = { ACCOUNTS: `https://localhost:${ports.tls}`, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
    await run('apache2', ['-D', 'FOREGROUND', '-f', file], { env, port: ports.proxy });
  },
};
