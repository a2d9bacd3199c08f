/**
 * Builds the container image: `npm run image` for this machine, `npm run image amd64 arm64` for other processors too.
 * The image goes into the storage that Buildah and Podman share. Needs buildah, mmdebstrap and readelf, but no registry
 * of images. docs/deployment.md says how to use it.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { type Architecture, chooseArchitectures, ownArchitecture } from './architecture.ts';
import { checkRoot } from './check.ts';
import { packProject } from './packages.ts';
import { buildRoot } from './root.ts';
import { run } from './run.ts';

const { name, version } = packageJson;
const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-image-'));
try {
  const chosen = chooseArchitectures(process.argv.slice(2));
  const tarball = await packProject(folder);
  for (const architecture of chosen) await buildImage(architecture, tarball);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function buildImage(architecture: Architecture, tarball: string): Promise<void> {
  const context = join(folder, architecture.name);
  const root = join(context, 'root');
  await mkdir(root, { recursive: true });
  // The folder that belongs to the user of the server.
  await mkdir(join(context, 'owned/data'), { recursive: true });
  await buildRoot(root, { folder, tarball, architecture });
  const size = await checkRoot(root, architecture);
  const tag = `localhost/${name}:${version}-${architecture.name}`;
  const { revision, time } = lastCommit();
  // The format of Docker, because that of OCI has no health check. With the time of the commit, equal files make an
  // equal layer.
  const options = ['--format', 'docker', '--platform', `linux/${architecture.name}`, '--timestamp', time];
  const labels = ['--build-arg', `VERSION=${version}`, '--build-arg', `REVISION=${revision}`];
  await run('buildah', ['build', ...options, ...labels, '-t', tag, '-f', resolve('deploy/Containerfile'), context]);
  if (architecture === ownArchitecture) await run('buildah', ['tag', tag, `localhost/${name}:${version}`]);
  await rm(context, { recursive: true });
  console.log(`${tag}  ${(size / 1_000_000).toFixed(1)} MB`);
}

/** Returns the last commit and its time, in seconds since 1970. Of a folder without git, neither is known. */
function lastCommit(): { revision: string; time: string } {
  try {
    const [revision = '', time = ''] = execFileSync('git', ['log', '-1', '--format=%H %ct'], { encoding: 'utf8' })
      .trim()
      .split(' ');
    return { revision, time };
  } catch {
    return { revision: 'unknown', time: '0' };
  }
}
