/** The pages of clients with cookies, bundled, on an origin of their own. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const rolldown = resolve('node_modules/rolldown/bin/cli.mjs');

export type Pages = {
  /** Adds the page of a folder, from its page.html and src/page.ts. Returns its URL. */
  add(name: string, folder: string): Promise<string>;
  stop(): Promise<void>;
};

/** Serves pages, which send their requests to the URL of a server. */
export async function servePages(origin: string, graphqlUrl: string): Promise<Pages> {
  const files = new Map<string, { type: string; text: string }>();
  const server = createServer(({ url = '' }, response) => {
    const file = files.get(url);
    response.writeHead(file ? 200 : 404, { 'content-type': `${file?.type ?? 'text/plain'}; charset=utf-8` });
    response.end(file?.text);
  });
  await new Promise<void>((resolve) => server.listen(Number(new URL(origin).port), '127.0.0.1', resolve));
  return {
    async add(name, folder) {
      files.set(`/${name}/page.js`, { type: 'text/javascript', text: await bundle(folder) });
      files.set(`/${name}/`, { type: 'text/html', text: await readPage(folder, graphqlUrl) });
      return `${origin}/${name}/`;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Bundles the program of a page by the command of its README. */
async function bundle(folder: string): Promise<string> {
  const args = ['src/page.ts', '--platform', 'browser', '--file', 'page.js'];
  await promisify(execFile)(process.execPath, [rolldown, ...args], { cwd: folder });
  return readFile(join(folder, 'page.js'), 'utf8');
}

/** Reads the page of a folder, with the address of a server. */
async function readPage(folder: string, graphqlUrl: string): Promise<string> {
  const text = await readFile(join(folder, 'page.html'), 'utf8');
  return text.replace(/data-server="[^"]*"/, `data-server="${graphqlUrl}"`);
}
