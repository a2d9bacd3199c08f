/** Processes of a machine, each ended by its own id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account, Machine } from './databases/machines.ts';

const path = '/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Start = { env?: Record<string, string>; account?: Account; log?: string };

/** Starts a program. Its output goes into a file of the folder, by the name of the program or that of `log`. */
export function startProgram(folder: string, command: string[], { env, account, log: name }: Start = {}): ChildProcess {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: folder, env: { PATH: path, ...env }, ...account });
  const log = createWriteStream(join(folder, `${name ?? basename(program)}.log`), { flags: 'a' });
  child.on('error', (error) => log.write(`${error}\n`));
  child.stdout.on('data', (chunk) => log.write(chunk));
  child.stderr.on('data', (chunk) => log.write(chunk));
  return child;
}

/** Runs a program to its end. @throws Error with its output if it fails. */
export async function runProgram(folder: string, command: string[], { env, account }: Start = {}): Promise<string> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: folder, env: { PATH: path, ...env }, ...account });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${output}`);
  return output;
}

/** Sends a signal to a process that was started here, and waits for its end. */
export async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Returns the ids of the PostgreSQL server of a machine, the main process first. None if it does not run. */
async function postgresqlProcesses({ folder }: Machine): Promise<number[]> {
  const file = await readFile(join(folder, 'data/postmaster.pid'), 'utf8').catch(() => '');
  const first = Number(file.split('\n')[0]);
  const command = await readFile(`/proc/${first}/cmdline`, 'utf8').catch(() => '');
  // The file outlives a crash, and its number may belong to another process by now.
  if (first === 0 || !command.includes(join(folder, 'data'))) return [];
  const children = [];
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : '';
    if (stat.slice(stat.lastIndexOf(')')).split(' ')[2] === String(first)) children.push(Number(name));
  }
  return [first, ...children];
}

/** Kills the PostgreSQL server of a machine with all its processes, and waits for their end. */
export async function killPostgresql(machine: Machine): Promise<void> {
  for (const id of await postgresqlProcesses(machine)) signal(id, 'SIGKILL');
  while ((await postgresqlProcesses(machine)).length > 0) await sleep(10);
}

/** Stops the processes of the PostgreSQL server of a machine, the main process first. */
export async function freezePostgresql(machine: Machine): Promise<void> {
  for (const id of await postgresqlProcesses(machine)) signal(id, 'SIGSTOP');
}

function signal(id: number, name: NodeJS.Signals): void {
  try {
    process.kill(id, name);
  } catch {
    // It has ended.
  }
}
