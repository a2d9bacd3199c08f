/** The root file system of the image: Node, the package, and the libraries of Debian. It has no shell. */
import { chmod, glob, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from './architecture.ts';
import { installLibraries } from './libraries.ts';
import { installNode, installProject } from './packages.ts';

/** Of the user and the group of the server. deploy/Containerfile, the unit of Kubernetes and volumes name it too. */
export const uid = 10_001;

/** Writes the root file system for one architecture. `folder` is for temporary files. */
export async function buildRoot(
  root: string,
  { folder, tarball, architecture }: { folder: string; tarball: string; architecture: Architecture },
): Promise<void> {
  for (const path of ['app', 'etc', 'tmp']) await mkdir(join(root, path), { recursive: true });
  await installProject(tarball, join(root, 'app'), architecture);
  await installNode(folder, join(root, 'usr/local'), architecture);
  await installLibraries(folder, root, architecture);
  await writeFile(join(root, 'etc/passwd'), `sessions:x:${uid}:${uid}:graphql-sessions:/data:/nonexistent\n`);
  await writeFile(join(root, 'etc/group'), `sessions:x:${uid}:\n`);
  await writeFile(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
  // Equal modes, which depend neither on the umask of this process nor on the packages.
  await chmod(root, 0o755);
  for await (const entry of glob('**/*', { cwd: root, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, /\/(bin\/node|ld-linux-[^/]+)$/.test(path) ? 0o755 : 0o644);
  }
  await chmod(join(root, 'tmp'), 0o1777);
}
