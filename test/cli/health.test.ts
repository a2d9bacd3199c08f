/** @module-tag slow/process */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { runNode, startServer } from '../support/process.ts';

function health(env: Record<string, string>) {
  return runNode('src/cli.ts', ['health'], env).ended;
}

describe('health', () => {
  it('succeeds while the server is ready, and needs no database', async () => {
    const port = String(await freePort());
    expect(await health({ PORT: port })).toEqual({
      code: 1,
      stdout: '',
      stderr: `No server answers at http://127.0.0.1:${port}/ready.\n`,
    });
    const server = await startServer(`file:${join(await temporaryFolder(), 'data/sessions.db')}`, { PORT: port });
    expect(await health({ PORT: port })).toEqual({ code: 0, stdout: 'ready\n', stderr: '' });
    // The address on which a server in a container listens.
    expect(await health({ PORT: port, HOST: '0.0.0.0' })).toMatchObject({ code: 0 });
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
  });

  it('fails while the server is not ready, and without a known port', async () => {
    const stub = createServer((_, response) => void response.writeHead(503).end('not ready: the database is locked\n'));
    onTestFinished(() => void stub.close());
    const port = String(await freePort());
    await new Promise<void>((resolve) => stub.listen(Number(port), '::', resolve));
    expect(await health({ PORT: port, HOST: '::' })).toEqual({
      code: 1,
      stdout: '',
      stderr: `The server is not ready: http://[::1]:${port}/ready answers 503, "not ready: the database is locked".\n`,
    });
    expect((await health({ PORT: '0' })).stderr).toBe(
      'PORT is 0, so the server has chosen a port. Set PORT to that one.\n',
    );
  });
});
