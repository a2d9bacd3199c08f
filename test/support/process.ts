import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { onTestFinished } from 'vitest';

export type Ended = { code: number | null; stdout: string; stderr: string };

export type RunningProcess = {
  child: ChildProcess;
  /** The output so far, of both streams. */
  printed(): string;
  /** Waits until the output matches. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<Ended>;
};

const compileCache = new URL('../../src/compile-cache.js', import.meta.url).href;

/**
 * Runs a file of this project in its own Node process, which does not outlive the test. `wrapper` is a command that
 * runs another one.
 */
export function runNode(
  file: string,
  args: string[],
  env: Record<string, string>,
  { input, wrapper = [] }: { input?: string | undefined; wrapper?: string[] } = {},
): RunningProcess {
  // The cache of compiled code, as `npm start` and the package use it, halves the time of a start.
  const command = [process.execPath, '--import', compileCache, file, ...args];
  return runProgram([...wrapper, ...command], { LOG_FORMAT: 'text', ...env }, input);
}

export const programPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs a program, which does not outlive the test. */
export function runProgram(
  [command = '', ...args]: string[],
  env: Record<string, string> = {},
  input?: string,
): RunningProcess {
  const child = spawn(command, args, {
    env: { PATH: programPath, ...env },
    stdio: 'pipe',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdin.end(input);
  const ended = once(child, 'close').then(([code]): Ended => ({ code, stdout, stderr }));
  const printed = () => stdout + stderr;
  return {
    child,
    printed,
    ended,
    async until(pattern) {
      for (;;) {
        const match = pattern.exec(printed());
        if (match) return match;
        if (child.exitCode !== null)
          throw new Error(`${[command, ...args].join(' ')} ended without ${pattern}:\n${printed()}`);
        const waiting = new AbortController();
        const { signal } = waiting;
        await Promise.race([once(child.stdout, 'data', { signal }), once(child.stderr, 'data', { signal }), ended]);
        waiting.abort();
      }
    },
  };
}

/** Starts the server on a free port of this machine. Its log is text, or JSON if the environment says so. */
export async function startServer(url: string, env: Record<string, string> = {}, wrapper: string[] = []) {
  const server = runNode('src/main.ts', [], { DATABASE_URL: url, PORT: '0', ...env }, { wrapper });
  const [, inText, inJson] = await server.until(/^GraphQL +(http\S+)$|"announced":"(http[^"]+)","msg":"GraphQL"/m);
  const address = inText ?? inJson ?? '';
  await server.until(/^GraphiQL .*$|"msg":"GraphiQL"\}$/m);
  return { ...server, address: address.replace('localhost', '127.0.0.1') };
}

/**
 * Begins a request by sending its headers, and waits until the server has them. Returns a function that sends the rest,
 * and returns the answer.
 */
export async function beginRequest(
  address: string,
  query: string,
): Promise<() => Promise<{ status: number | undefined; text: string }>> {
  const body = JSON.stringify({ query });
  const headers = { 'content-type': 'application/json', 'content-length': body.length, expect: '100-continue' };
  const slow = request(new URL(address), { method: 'POST', headers });
  const answered = once(slow, 'response');
  // A connection that breaks fails the returned function, whenever it is called.
  answered.catch(() => {});
  slow.flushHeaders();
  await once(slow, 'continue');
  slow.write(body.slice(0, 20));
  return async () => {
    slow.end(body.slice(20));
    const [response] = await answered;
    let text = '';
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, text };
  };
}
