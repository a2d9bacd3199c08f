/** The shared libraries of Debian that Node needs, and nothing else of Debian. */
import { cp, mkdir, readdir, realpath, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Architecture } from './architecture.ts';
import { run } from './run.ts';

/** The release of Debian. Its security updates are part of it. */
export const release = 'trixie';

const packages = ['libc6', 'libgcc-s1', 'libstdc++6'];

/** Those that programs name in their headers, and those that the C library loads to resolve names. */
const wanted =
  /^(ld-linux-.*|lib(c|dl|m|pthread|rt|resolv|util|anl|nss_dns|nss_files)\.so\.\d+|lib(gcc_s|stdc\+\+)\.so\.[\d.]+)$/;

/** Writes the libraries and their licences. */
export async function installLibraries(folder: string, target: string, architecture: Architecture): Promise<void> {
  const { name, libraries, loader } = architecture;
  const [archive, debian] = [join(folder, `debian-${name}.tar`), join(folder, `debian-${name}`)];
  // Unpacks packages without running any program of them, so that it works for other processors.
  const options = ['--variant=extract', `--architectures=${name}`, `--include=${packages.join(',')}`];
  await run('mmdebstrap', ['--quiet', ...options, release, archive]);
  await mkdir(debian);
  const parts = [`./${libraries}`, './usr/share/doc'];
  await run('tar', ['--extract', '--no-same-owner', '-f', archive, '-C', debian, ...parts]);
  await mkdir(join(target, libraries), { recursive: true });
  for (const file of await readdir(join(debian, libraries))) {
    if (wanted.test(file))
      await cp(join(debian, libraries, file), join(target, libraries, file), { verbatimSymlinks: true });
  }
  for (const file of packages.map((one) => `usr/share/doc/${one}/copyright`)) {
    // Some are links to the folder of another package.
    await cp(await realpath(join(debian, file)), join(target, file));
  }
  // As in Debian, where /lib and /lib64 are links.
  await mkdir(dirname(join(target, loader)), { recursive: true });
  const loaderFile = join('..', libraries, loader.split('/').at(-1) ?? '');
  await symlink(loaderFile, join(target, loader));
}
