import { resolve } from 'node:path';
import { program } from '../../checks/processes.ts';
import { ports, type Stack } from '../stack.ts';

export const caddy: Stack = {
  name: 'caddy',
  transports: ['COOKIE', 'BEARER'],
  port: ports.proxy,
  isProxy: true,
  refusesForgery: true,
  removesUnderscores: true,
  programs: [program('caddy', 'caddy')],
  async start({ folder, run }) {
    const args = ['run', '--config', resolve('examples/stacks/caddy/Caddyfile'), '--adapter', 'caddyfile'];
    // Caddy keeps its state in the home folder.
    await run('caddy', args, {
      env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      port: ports.proxy,
    });
  },
};
