/** The packages of the applications. */
import { cp, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { installLockedPackages } from '../checks/packages.ts';

export const root = resolve('examples/applications');

/** Returns the path of a program of a package. */
export function binary(path: string): string {
  return join(root, 'node_modules', path);
}

/**
 * Installs the packages of the lock file, and the client library as `npm install graphql-sessions-….tgz` would, without
 * the server: its dependencies would take 90 MB.
 */
export async function prepare(): Promise<void> {
  await installLockedPackages(root);
  const target = binary('graphql-sessions');
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await cp('package.json', join(target, 'package.json'));
  await cp('dist/verify', join(target, 'dist/verify'), { recursive: true });
}
