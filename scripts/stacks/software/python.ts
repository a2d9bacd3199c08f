import { resolve } from 'node:path';
import { program } from '../../checks/processes.ts';
import { ports, type Stack } from '../stack.ts';

export const python: Stack = {
  name: 'python',
  transports: ['COOKIE', 'BEARER'],
  port: ports.application,
  isProxy: false,
  refusesForgery: true,
  removesUnderscores: true,
  programs: [program('python3', 'python3')],
  async start({ run }) {
    await run('/usr/bin/python3', [resolve('examples/stacks/python/app.py')], { port: ports.application });
  },
};
