/** Processes to measure: started on their own processor, observed from outside, and ended by their id. */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Load, Result } from './generator.ts';

/** The measured servers use the first processor; the load, and PostgreSQL, the second. */
export const serverCore = '0';
export const loadCore = '1';

const canPin = cpus().length > 1 && spawnSync('taskset', ['--version']).status === 0;

/** Returns the same command on some of the processors, or on all of them if pinning is not available. */
function pinned(cores: string, command: string[]): string[] {
  return canPin ? ['taskset', '-c', cores, ...command] : command;
}

/** Moves a running process, and the processes that it starts from now on. */
export function pin(pid: number, cores: string): void {
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', cores, String(pid)]);
}

export type Server = {
  name: string;
  port: number;
  pid: number;
  /** The time from the start of the process to the first right answer. */
  startMs: number;
  stop(): Promise<void>;
};

export type Start = {
  name: string;
  /** The arguments of Node: options and the file. */
  args: string[];
  port: number;
  env: Record<string, string>;
  cores?: string;
  /** Returns whether the server gives right answers yet. */
  answers(port: number): Promise<boolean>;
};

export async function startServer({
  name,
  args: given,
  port,
  env,
  cores = serverCore,
  answers,
}: Start): Promise<Server> {
  const [command = '', ...args] = pinned(cores, [process.execPath, ...given]);
  const began = performance.now();
  const child = spawn(command, args, {
    env: { PATH: '/usr/bin:/bin', NODE_ENV: 'production', PORT: String(port), ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  while (!(await answers(port).catch(() => false))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}.`);
    if (performance.now() - began > 60_000) throw new Error(`${name} gives no right answer.`);
    await sleep(2);
  }
  return { name, port, pid: child.pid ?? 0, startMs: performance.now() - began, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** Returns the processor time that a process has used, in milliseconds. */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  // Ticks of user and system time. Linux counts 100 per second.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Returns the same of all running threads of a process, in nanoseconds instead of ticks. */
export function cpuNs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const times = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return times.reduce((sum, time) => sum + Number(time), 0);
}

export function residentMB(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

/** A process that answers each message with one message. */
export type Tool<Question, Answer> = { ask(question: Question): Promise<Answer>; stop(): Promise<void> };

export function startTool<Question extends object, Answer>(file: string, cores: string): Tool<Question, Answer> {
  const child = fork(file, { execArgv: [] });
  pin(child.pid ?? 0, cores);
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        const onExit = () => reject(new Error(`${file} ended.`));
        child.once('exit', onExit);
        child.once('message', (answer) => {
          child.off('exit', onExit);
          resolve(answer as Answer);
        });
        child.send(question);
      }),
    stop: () => stop(child),
  };
}

export const startGenerator = () => startTool<Load, Result>('bench/generator.ts', loadCore);
