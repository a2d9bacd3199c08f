/**
 * Builds the package into `dist/`, for `npm pack`: a JavaScript file for each file of `src/`, at the same place, so that
 * a stack trace leads to its source, and files that are read at run time are found from both folders. `dependencies` of
 * package.json stay imports. The packages of `bundled` are copied into `dist/vendor`, with their licences.
 */
import { execFileSync } from 'node:child_process';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build, type OutputChunk } from 'rolldown';
import packageJson from '../package.json' with { type: 'json' };
import { prepareDeclarations } from './declarations.ts';

const folder = 'dist';

/** The files that something else than another file of `src/` loads: the command, threads, and programs by `exports`. */
const entries = [
  'src/bin.ts',
  'src/compile-cache.js',
  'src/database/sqlite/checkpoint-worker.ts',
  'src/passwords/hashing-worker.ts',
  ...(await Array.fromAsync(glob(['src/server/create-server.ts', 'src/verify/index.ts']))),
];

/** The files that `src/` reads at run time. The migrations stay in `prisma/`, which is packed too. */
const assets = ['mail/templates', 'passwords/common-passwords.txt.gz'];

/**
 * The packages that are copied. As dependencies, they would install every query compiler of Prisma (72 MB), a second
 * better-sqlite3 that does not run on all versions of Node (`overrides` counts only here), and whichever version of
 * `@prisma/client` the program has. `altcha-lib` has web frameworks as optional peers: `npm ci --omit=dev` would install
 * those that tests use into the image.
 */
const bundled = /^(@prisma\/|@pothos\/(plugin-prisma|selection-mapper)$|postgres-array$|altcha-lib$)/;

/**
 * Copied as it is, with its binaries for all platforms. As a dependency, it would need a compiler: `npm ci` runs node-gyp
 * for a package with a `binding.gyp`, although this one has no install script.
 */
const native = 'better-sqlite3';

const dependencies = Object.keys(packageJson.dependencies);

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function isExternal(specifier: string): boolean {
  if (/^[./\0]/.test(specifier) || specifier.startsWith('src/')) return false;
  if (specifier.startsWith('node:')) return true;
  const name = packageOf(specifier);
  if (dependencies.includes(name) || name === native) return true;
  if (bundled.test(name)) return false;
  throw new Error(`${name} is neither in the dependencies of package.json nor in the bundled packages of the build.`);
}

const place = ({ name }: { name: string }) => `${name.replaceAll('node_modules', 'vendor')}.js`;

async function compile(): Promise<OutputChunk[]> {
  const { output } = await build({
    input: entries,
    platform: 'node',
    external: isExternal,
    output: {
      dir: folder,
      format: 'esm',
      preserveModules: true,
      preserveModulesRoot: 'src',
      entryFileNames: place,
      chunkFileNames: place,
      sourcemap: true,
    },
  });
  return output.filter((file) => file.type === 'chunk');
}

/** Copies the native package, and lets the chunks import the copy. Returns its folder. */
async function copyNative(chunks: OutputChunk[]): Promise<string> {
  const source = dirname(createRequire(import.meta.url).resolve(`${native}/package.json`));
  const target = join(folder, 'vendor', native);
  for (const part of ['lib', 'prebuilds', 'LICENSE'])
    await cp(join(source, part), join(target, part), { recursive: true });
  const { name, version, license, main } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'));
  await writeFile(join(target, 'package.json'), JSON.stringify({ name, version, license, main, type: 'commonjs' }));
  for (const { fileName, imports } of chunks.filter(({ imports }) => imports.includes(native))) {
    const path = join(folder, fileName);
    const specifier = relative(dirname(path), join(target, main))
      .replaceAll('\\', '/')
      .replace(/^(?!\.)/, './');
    const code = await readFile(path, 'utf8');
    const changed = code.replaceAll(`from "${native}"`, `from "${specifier}"`);
    if (changed === code) throw new Error(`${fileName} imports ${imports.join(', ')} in an unknown form.`);
    await writeFile(path, changed);
  }
  return source;
}

/** Writes the types of the entries, and of the files whose types these mention. */
async function declareTypes(): Promise<void> {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [compiler, '--project', 'tsconfig.build.json'], { stdio: 'inherit' });
  const typed = Object.values(packageJson.exports).flatMap((target) =>
    typeof target === 'string' ? [] : target.types,
  );
  await prepareDeclarations(folder, typed);
}

/** Returns the folder of each package that is part of the chunks. */
function bundledFolders(chunks: OutputChunk[]): string[] {
  const folders = chunks.flatMap(({ moduleIds }) =>
    moduleIds.flatMap((id) => {
      const [, path = '', rest = ''] = /^(.*\/node_modules\/)(.*)$/.exec(id) ?? [];
      return path === '' ? [] : [path + packageOf(rest)];
    }),
  );
  return [...new Set(folders)].sort();
}

async function writeLicenses(folders: string[]): Promise<void> {
  const texts = await Promise.all(
    folders.map(async (path) => {
      const { name, version, license } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8'));
      const files = (await Array.fromAsync(glob('{LICENSE,LICENCE,NOTICE,license}*', { cwd: path }))).sort();
      if (files.length === 0) throw new Error(`${name} is bundled, but has no file with its licence.`);
      const contents = await Promise.all(files.map((file) => readFile(join(path, file), 'utf8')));
      return [`${name} ${version} (${license})`, ...contents.map((content) => content.trim())].join('\n\n');
    }),
  );
  const title = 'The folder vendor/ contains code of these packages.';
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), `${[title, ...texts].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
}

await rm(folder, { recursive: true, force: true });
const chunks = await compile();
for (const asset of assets) {
  const target = join(folder, asset);
  await mkdir(dirname(target), { recursive: true });
  await cp(join('src', asset), target, { recursive: true });
}
await declareTypes();
await writeLicenses([...bundledFolders(chunks), await copyNative(chunks)]);
// They describe packages that are compressed already, and are larger than the rest of the package.
for await (const map of glob(`${folder}/vendor/**/*.map`)) await rm(map);
