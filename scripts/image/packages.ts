/** The parts of the image that come from npm: the package of this project, its dependencies, and Node. */
import { cp, glob, mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import pinnedNode from '../node/package.json' with { type: 'json' };
import type { Architecture } from './architecture.ts';
import { run } from './run.ts';

const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** Files that no running server reads: types, maps of code that is not ours, texts and tests. Licences stay. */
const unread = ['node_modules/**/*.{d.ts,d.mts,d.cts,map,md}', 'node_modules/*/{test,bench}/**/*.js', 'dist/**/*.d.ts'];

/** Builds the package of this project, and returns its file. */
export async function packProject(folder: string): Promise<string> {
  await run(process.execPath, ['scripts/build.ts']);
  return (await pack('.', folder)).file;
}

/** Writes the package and its dependencies, in the versions of package-lock.json, for one architecture. */
export async function installProject(tarball: string, target: string, { cpu }: Architecture): Promise<void> {
  await mkdir(join(target, 'scripts'), { recursive: true });
  // npm compares the first two, which name the third.
  const needed = ['package.json', 'package-lock.json', 'scripts/node'];
  for (const file of needed) await cp(file, join(target, file), { recursive: true });
  const platform = ['--os=linux', `--cpu=${cpu}`, '--libc=glibc'];
  await run('npm', ['ci', '--omit=dev', ...platform, ...quiet], { cwd: target });
  await unpack(tarball, target);
  const own = `linux-${cpu}.node`;
  const foreign = await Array.fromAsync(glob('dist/vendor/better-sqlite3/prebuilds/*', { cwd: target }));
  const unused = [
    ...['scripts', 'package-lock.json', 'node_modules/.package-lock.json', 'node_modules/.bin'],
    ...['docs', 'deploy', '.env.example'],
    ...foreign.filter((file) => basename(file) !== own),
    ...(await Array.fromAsync(glob(unread, { cwd: target }))).filter((file) => !/licen[cs]e|notice/i.test(file)),
  ];
  for (const file of unused) await rm(join(target, file), { recursive: true, force: true });
}

/**
 * Writes the program `node`, in the version of the development dependency `scripts/node`.
 *
 * @throws Error if the registry delivers another file than package-lock.json names
 */
export async function installNode(folder: string, target: string, { cpu }: Architecture): Promise<void> {
  const name = `node-linux-${cpu}` as const;
  const version = pinnedNode.optionalDependencies[name];
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'));
  const { file, integrity } = await pack(`${name}@${version}`, folder);
  if (integrity !== packages[`node_modules/${name}`]?.integrity) {
    throw new Error(`${name}@${version} of the registry is not the file that package-lock.json names.`);
  }
  await mkdir(target, { recursive: true });
  await unpack(file, target, ['package/bin/node', 'package/LICENSE']);
}

/** Writes the tarball of a package into a folder. */
async function pack(specifier: string, folder: string): Promise<{ file: string; integrity: string }> {
  const printed = JSON.parse(await run('npm', ['pack', specifier, '--json', '--pack-destination', folder, ...quiet]));
  // A list or an object, depending on the version of npm.
  const [packed] = Object.values<{ filename: string; integrity: string }>(printed);
  if (!packed) throw new Error(`npm has packed nothing for ${specifier}.`);
  return { file: join(folder, packed.filename), integrity: packed.integrity };
}

async function unpack(tarball: string, target: string, files: string[] = []): Promise<void> {
  await run('tar', ['--extract', '--no-same-owner', '--strip-components=1', '-f', tarball, '-C', target, ...files]);
}
