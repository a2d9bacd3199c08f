/** The container image, built and run without a registry and without networks of its own. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { program } from '../../scripts/checks/processes.ts';
import { programPath, type RunningProcess, runProgram } from './process.ts';

export const image = `localhost/graphql-sessions:${packageJson.version}`;

/** True if the programs that build and run an image are installed. */
export const hasContainers = ['buildah', 'podman', 'crun', 'mmdebstrap', 'readelf'].every((name) =>
  program(name, name).isInstalled(),
);

/** crun refuses to run beside the second hierarchy of cgroups. So Podman runs in a mount namespace without it. */
const secondHierarchy = '/sys/fs/cgroup/unified';
const withoutHierarchy = ['unshare', '--mount', 'sh', '-c', `umount ${secondHierarchy}; exec "$@"`, 'sh'];

/**
 * As a cautious operator runs it: every folder is read-only except the volume `/data`, without capabilities. The limits
 * are below those of any machine, because not every machine may raise them.
 */
const options = [
  ...['--network=host', '--cgroups=disabled', '--ulimit=nofile=1024:4096', '--ulimit=nproc=4096:4096'],
  // A timer of systemd would run it.
  '--no-healthcheck',
  ...['--read-only', '--read-only-tmpfs=false', '--cap-drop=all', '--security-opt=no-new-privileges'],
];

/** A filter of system calls that strict systems have, and that the server does not need. */
const forbidden = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['setpriority', 'ioprio_set', 'sched_setscheduler'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
};

export type Podman = {
  /** The environment of programs that use the storage. */
  env: Record<string, string>;
  /** Deletes the folder. */
  close(): Promise<void>;
  /** Runs a command of Podman, and returns its output. */
  podman(...args: string[]): Promise<string>;
  /** Runs the image with the arguments, until the test ends. */
  run(settings: Record<string, string>, args?: string[], init?: ContainerOptions): Container;
};

/** Without a volume, no folder is writable. */
export type ContainerOptions = { volume?: string; input?: string };

export type Container = RunningProcess & { name: string };

/** Prepares a storage for images and containers of its own in a folder. */
export async function openPodman(folder: string): Promise<Podman> {
  const file = join(folder, 'storage.conf');
  const graph = join(folder, 'storage');
  const env = { CONTAINERS_STORAGE_CONF: file };
  const filter = join(folder, 'seccomp.json');
  await writeFile(filter, JSON.stringify(forbidden));
  const command = (...args: string[]) => [...(existsSync(secondHierarchy) ? withoutHierarchy : []), 'podman', ...args];
  const podman = async (...args: string[]) => {
    const [first = '', ...rest] = command(...args);
    const { stdout } = await promisify(execFile)(first, rest, { env: { PATH: programPath, ...env } });
    return stdout.trim();
  };
  const use = (driver: string) =>
    writeFile(file, `[storage]\ndriver = "${driver}"\ngraphroot = "${graph}"\nrunroot = "${join(folder, 'run')}"\n`);
  await use('overlay');
  // In a container, the file system may not allow layers. Without them, each container is a copy.
  await podman('info').catch(() => use('vfs'));
  return {
    env,
    async close() {
      // A mount of the storage on itself.
      await promisify(execFile)('umount', [join(graph, 'overlay')]).catch(() => {});
      await rm(folder, { recursive: true, force: true });
    },
    podman,
    run(settings, args = [], { volume, input } = {}) {
      const name = `graphql-sessions-${randomUUID()}`;
      const volumes = volume === undefined ? ['--image-volume=ignore'] : [`--volume=${volume}:/data`];
      const variables = Object.entries(settings).map(([key, value]) => `--env=${key}=${value}`);
      const all = [
        ...options,
        `--security-opt=seccomp=${filter}`,
        ...volumes,
        ...variables,
        '--interactive',
        `--name=${name}`,
        image,
        ...args,
      ];
      const container = runProgram(command('run', ...all), env, input);
      onTestFinished(async () => {
        await podman('rm', '--force', '--time=0', name);
      });
      return { ...container, name };
    },
  };
}
