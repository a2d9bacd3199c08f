import { resolve } from 'node:path';
import { program } from '../../checks/processes.ts';
import { ports, type Stack } from '../stack.ts';

export const haproxy: Stack = {
  name: 'haproxy',
  transports: ['COOKIE', 'BEARER'],
  port: ports.proxy,
  isProxy: true,
  refusesForgery: true,
  removesUnderscores: true,
  programs: [program('haproxy', 'haproxy')],
  async start({ run }) {
    await run('haproxy', ['-db', '-C', resolve('examples/stacks/haproxy'), '-f', 'haproxy.cfg'], { port: ports.proxy });
  },
};
