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
  /** True if it generates a manifest of its documents, and has a check for a server that executes no others. */
  hasManifest: boolean;
};

/** Returns all clients in a folder. */
export function findClients(parent: string): Client[] {
  const names = readdirSync(parent).filter((name) => existsSync(join(parent, name, 'package.json')));
  return names.map((name) => {
    const folder = join(parent, name);
    const { scripts = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const has = (file: string) => existsSync(join(folder, file));
    const [hasPage, hasManifest] = [has('page.html'), has('check-trusted.ts')];
    return { name, folder, scripts: Object.keys(scripts), hasPage, hasManifest };
  });
}
