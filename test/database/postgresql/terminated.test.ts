import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openPool } from '../../../src/database/postgresql/pool.ts';

/** Returns a message of PostgreSQL's protocol: its type, its length, and its contents. */
function message(type: string, contents: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + contents.length);
  return Buffer.concat([Buffer.from(type), length, contents]);
}

const authenticated = message('R', Buffer.alloc(4));
const ready = message('Z', Buffer.from('I'));
const terminated = message('E', Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0'));

it('survives a connection that PostgreSQL terminates in the same packet that completes it', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(Buffer.concat([authenticated, ready, terminated])));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const url = `postgresql://app@127.0.0.1:${port}/app`;
  const pool = openPool(url, { size: 1, target: 'primary', report: () => {} });
  onTestFinished(() => pool.end());
  // An uncaught exception would end a server, and fails this test.
  await expect(pool.query('SELECT 1')).rejects.toThrow();
  await expect(pool.query('SELECT 1')).rejects.toThrow();
});
