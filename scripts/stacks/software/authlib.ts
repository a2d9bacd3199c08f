import { resolve } from 'node:path';
import { debianFile, program } from '../../checks/processes.ts';
import { ports, type Stack } from '../stack.ts';

const packages = '/usr/lib/python3/dist-packages';

export const authlib: Stack = {
  name: 'authlib',
  // Authlib reads the token from the Authorization header only. So no page can forge a request.
  transports: ['BEARER'],
  port: ports.application,
  isProxy: false,
  refusesForgery: false,
  removesUnderscores: true,
  programs: [
    program('python3', 'python3'),
    debianFile(`${packages}/authlib/__init__.py`, 'python3-authlib'),
    debianFile(`${packages}/flask/__init__.py`, 'python3-flask'),
    debianFile(`${packages}/requests/__init__.py`, 'python3-requests'),
  ],
  async start({ clientId, clientSecret, run }) {
    const env = { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret, PYTHONDONTWRITEBYTECODE: '1' };
    const args = [
      '-m',
      'flask',
      '--app',
      resolve('examples/stacks/authlib/app.py'),
      'run',
      '--port',
      String(ports.application),
    ];
    // Debian's Python, which has Debian's packages.
    await run('/usr/bin/python3', args, { env, port: ports.application });
  },
};
