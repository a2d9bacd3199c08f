import { EventEmitter } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { createVerifier } from '../../src/verify/verifier.ts';

const page = readFileSync('docs/verify.md', 'utf8');
const socketPage = readFileSync('docs/sockets.md', 'utf8');
const examples = readdirSync('test/verify/examples');

describe('docs/verify.md', () => {
  it.each(examples)('has the example %s, which the tests run, word for word', (file) => {
    expect(page).toContain(`\`\`\`ts\n${readFileSync(`test/verify/examples/${file}`, 'utf8')}\`\`\``);
  });

  it('names every option, and the defaults that are numbers', () => {
    const source = readFileSync('src/verify/verifier.ts', 'utf8');
    const names = optionsIn(/export type VerifierOptions = SocketOptions & \{([\s\S]*?)\n\};/, source);
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
    expect(source).toContain('timeoutMs = 1_000');
    expect(page).toContain('| `timeoutMs` | 1,000 |');
  });
});

describe('docs/sockets.md', () => {
  it('names every option, and the reasons for a close', () => {
    const source = readFileSync('src/verify/sockets/socket-closer.ts', 'utf8');
    const names = optionsIn(/export type SocketOptions = \{([\s\S]*?)\n\};/, source);
    const reasons = ['LOGGED_OUT', 'SESSION_REVOKED', 'SESSION_EXPIRED', 'SESSION_ENDED', 'UNREACHABLE', 'STOPPED'];
    expect(names).toHaveLength(2);
    expect([...names, ...reasons].filter((name) => !socketPage.includes(`| \`${name}\` |`))).toEqual([]);
    expect(source).toContain('maxUnreachableMs = 60_000');
    expect(socketPage).toContain('| `maxUnreachableMs` | 60,000 |');
  });
});

/** Returns the names of the options in a type. */
function optionsIn(type: RegExp, source: string): string[] {
  const [, options = ''] = type.exec(source) ?? [];
  return [...options.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name = '']) => name);
}

/** Returns the examples in the docstrings of a file, without the decoration of comments. */
function examplesIn(file: string): string[] {
  const blocks = readFileSync(file, 'utf8').matchAll(/@example\n([\s\S]*?)\n *\*\//g);
  return [...blocks].map(([, block = '']) => block.replace(/^ *\* ?/gm, ''));
}

describe('examples in docstrings', () => {
  it('run, for the verifier', async () => {
    const [verifying = '', creating = '', ...others] = examplesIn('src/verify/verifier.ts');
    expect(others).toEqual([]);
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
    const run = new AsyncFunction('createVerifier', 'process', 'request', `${creating}\n${verifying}`);
    const environment = { env: { CLIENT_ID: 'id', CLIENT_SECRET: 'secret' } };
    const response: Response = await run(createVerifier, environment, new Request('https://app.example'));
    expect([response.status, await response.text()]).toEqual([401, 'Sign in first.']);
  });

  it('run, for sockets', () => {
    const [example = '', ...others] = examplesIn('src/verify/sockets/socket-closer.ts');
    const socket = Object.assign(new EventEmitter(), { close: vi.fn() });
    const close = (_: unknown, closeSocket: (reason: string) => void) => () => closeSocket('LOGGED_OUT');
    new Function('closeWith', 'auth', 'socket', example)(close, { session: {} }, socket);
    socket.emit('close');
    expect([socket.close.mock.calls, others]).toEqual([[[4401, 'LOGGED_OUT']], []]);
  });

  it('are lines of the pages, for the adapters and the forwarder', () => {
    const adapters = readdirSync('src/verify/adapters').map((file) => `src/verify/adapters/${file}`);
    const files = [...adapters, 'src/verify/forwarder.ts'];
    const lines = files.flatMap(examplesIn).flatMap((block) => block.split('\n'));
    expect(lines.length).toBeGreaterThan(6);
    expect(lines.filter((line) => !`${page}\n${socketPage}`.includes(line.replace('const yoga', 'yoga')))).toEqual([]);
  });
});
