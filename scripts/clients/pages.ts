/** The pages of clients with cookies, bundled, on an origin of their own. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

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
      files.set(`/${name}/page.js`, { type: 'text/javascript', text: await bundle(folder, graphqlUrl) });
      files.set(`/${name}/`, { type: 'text/html', text: await readFile(join(folder, 'page.html'), 'utf8') });
      return `${origin}/${name}/`;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Bundles the program of a page. */
async function bundle(folder: string, graphqlUrl: string): Promise<string> {
  const define = { 'process.env.SESSIONS_URL': JSON.stringify(graphqlUrl), 'process.env.NODE_ENV': '"production"' };
  const build = await rolldown({ input: join(folder, 'src/page.ts'), platform: 'browser', transform: { define } });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  return output[0].code;
}
