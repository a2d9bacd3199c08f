/** Child processes of a check, each ended by its own id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Debian's programs for the system are in the folders that a user's path may lack. */
const programPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A program that a check needs, and its package. */
export type Program = { command: string; debianPackage: string; isInstalled(): boolean };

export type Running = { child: ChildProcess; printed(): string; stop(): Promise<void> };

export type Start = { cwd: string; env: Record<string, string>; port: number };

/**
 * Starts a program, and waits until its port accepts connections.
 *
 * @throws Error if another program has the port, or the program ends.
 */
export async function startProgram(command: string, args: string[], { cwd, env, port }: Start): Promise<Running> {
  if (await accepts(port)) throw new Error(`Port ${port} is in use. End the program that listens there.`);
  const child = spawn(command, args, { cwd, env: { PATH: programPath, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: unknown) => {
    output += chunk;
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', keep);
  const running = { child, printed: () => output, stop: () => stop(child) };
  while (!(await accepts(port))) {
    if (hasEnded(child)) throw new Error(`${command} has ended. It printed:\n${output}`);
    await sleep(50);
  }
  return running;
}

/** Ends a process, and waits for its end. It is killed if it takes longer than ten seconds. */
async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const deadline = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(deadline);
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

/** Returns whether a program on this machine accepts connections to a port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** Describes a program of a Debian package. */
export function program(command: string, debianPackage: string): Program {
  return {
    command,
    debianPackage,
    isInstalled: () => programPath.split(':').some((folder) => isProgram(folder, command)),
  };
}

/** Returns the sentence for a program that is missing. */
export function describeMissing({ command, debianPackage }: Pick<Program, 'command' | 'debianPackage'>): string {
  return `${command} is missing. Install it: apt-get install --no-install-recommends ${debianPackage}`;
}

/** Describes a file of a Debian package, such as a module that a program loads. */
export function debianFile(path: string, debianPackage: string): Program {
  return { command: path, debianPackage, isInstalled: () => isProgram('/', path) };
}

function isProgram(folder: string, name: string): boolean {
  try {
    accessSync(join(folder, name), constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
