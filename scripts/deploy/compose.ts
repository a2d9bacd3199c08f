import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownArchitecture } from '../image/architecture.ts';
import { release } from '../image/libraries.ts';
import { run } from '../image/run.ts';

/** Lets Docker Compose read the file. Without Docker, that of Debian, which is only unpacked. */
export async function checkCompose(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-compose-'));
  try {
    const [command = '', ...first] = await findCompose(folder);
    const version = await run(command, [...first, 'version', '--short']);
    const args = ['--file', 'deploy/compose.yaml', '--env-file', 'deploy/compose.env.example'];
    const services = await run(command, [...first, ...args, 'config', '--services']);
    return `${services.trim().split('\n').sort().join(', ')} (Docker Compose ${version.trim()})`;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function findCompose(folder: string): Promise<string[]> {
  const docker = ['docker', 'compose'];
  const hasDocker = await run('docker', ['compose', 'version']).then(
    () => true,
    () => false,
  );
  if (hasDocker) return docker;
  const archive = join(folder, 'debian.tar');
  const plugin = './usr/libexec/docker/cli-plugins/docker-compose';
  const options = ['--quiet', '--variant=extract', `--architectures=${ownArchitecture?.name}`];
  await run('mmdebstrap', [...options, '--include=docker-compose', release, archive]);
  await run('tar', ['--extract', '-f', archive, '-C', folder, plugin]);
  return [join(folder, plugin)];
}
