/** The clients in examples/clients, each in a folder with the scripts that it needs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Client = {
  name: string;
  folder: string;
  /** The scripts of its package.json, such as `generate` and `typecheck`. */
  scripts: string[];
  /** True if it has a page with a cookie, besides the program with a bearer token. */
  hasPage: boolean;
};

/** Returns all clients in a folder. */
export function findClients(parent: string): Client[] {
  const names = readdirSync(parent).filter((name) => existsSync(join(parent, name, 'package.json')));
  return names.map((name) => {
    const folder = join(parent, name);
    const { scripts = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { name, folder, scripts: Object.keys(scripts), hasPage: existsSync(join(folder, 'page.html')) };
  });
}
