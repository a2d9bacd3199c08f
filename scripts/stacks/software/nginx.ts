import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { program } from '../../checks/processes.ts';
import { ports, type Stack } from '../stack.ts';

/**
 * Returns the rest of Debian's nginx.conf, for a process without rights of its own, with a file in its block `http`.
 */
export const mainConfiguration = (folder: string, file: string) => `
daemon off;
pid ${folder}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  include ${file};
}`;

export const nginx: Stack = {
  name: 'nginx',
  transports: ['COOKIE', 'BEARER'],
  port: ports.proxy,
  isProxy: true,
  refusesForgery: true,
  removesUnderscores: true,
  programs: [program('nginx', 'nginx')],
  async start({ folder, run }) {
    const file = join(folder, 'nginx.conf');
    await writeFile(file, mainConfiguration(folder, resolve('examples/stacks/nginx/app.conf')));
    await run('nginx', ['-p', folder, '-c', file, '-e', 'stderr'], { port: ports.proxy });
  },
};
