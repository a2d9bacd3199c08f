/** Socket.IO: the program of docs/sockets.md, and clients whose connections end with their sessions. */
import assert from 'node:assert/strict';
import { cp, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages } from '../../checks/packages.ts';
import { signUp } from '../client.ts';
import { ports, type Stack } from '../stack.ts';
import { runProgram } from './javascript.ts';

const packages = { 'socket.io': '4.8.4', 'socket.io-client': '4.8.4' };

/** In milliseconds: only for a client that hangs. */
const patienceMs = 30_000;

/** The part of a client of Socket.IO that the checks use. */
type SocketClient = {
  on(event: string, listener: (value: { data?: { code?: string } } & string) => void): unknown;
  close(): unknown;
};

let folderOfClient = '';

/** Connects, and returns what happened. */
function connect(options: Record<string, unknown>): { events: string[]; close(): unknown } {
  const { io } = createRequire(join(folderOfClient, 'x.js'))('socket.io-client');
  const client: SocketClient = io(`http://127.0.0.1:${ports.application}`, { reconnection: false, ...options });
  const events: string[] = [];
  client.on('hello', (email) => events.push(`hello ${email}`));
  client.on('connect_error', (error) => events.push(`error ${error.data?.code}`));
  client.on('disconnect', (reason) => events.push(`disconnect ${reason}`));
  return { events, close: () => client.close() };
}

async function expectEvents(events: string[], expected: string[]): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (events.length < expected.length && Date.now() < deadline) await sleep(10);
  assert.deepEqual(events, expected);
}

export const socketIo: Stack = {
  name: 'socket-io',
  transports: ['COOKIE', 'BEARER'],
  port: ports.application,
  isProxy: false,
  refusesForgery: true,
  removesUnderscores: false,
  programs: [],
  async start(place) {
    const modules = await installPackages('socket-io', packages);
    folderOfClient = join(modules, '..');
    // As after `npm install` of the package of this project. A run before may have made the link.
    await symlink(resolve('.'), join(modules, 'graphql-sessions')).catch(() => {});
    await symlink(modules, join(place.folder, 'node_modules'));
    await cp('examples/stacks/socket-io/app.ts', join(place.folder, 'app.ts'));
    await runProgram(place, join(place.folder, 'app.ts'));
  },
  ownChecks: {
    'the socket is disconnected when the session ends': async (stack, transport) => {
      const [ada, bob] = [await signUp(stack, transport), await signUp(stack, transport)];
      const token = (credential: Record<string, string>) => credential.authorization?.replace('Bearer ', '');
      const withCredential = (credential: Record<string, string>) =>
        transport === 'BEARER' ? { auth: { token: token(credential) } } : { extraHeaders: credential };
      const ofAda = connect(withCredential(ada.credential));
      const ofBob = connect(withCredential(bob.credential));
      try {
        await expectEvents(ofAda.events, [`hello ${ada.email}`]);
        await expectEvents(ofBob.events, [`hello ${bob.email}`]);
        await ada.ask('mutation { logout { revokedSessionId } }');
        await expectEvents(ofAda.events, [`hello ${ada.email}`, 'disconnect io server disconnect']);
        assert.deepEqual(ofBob.events, [`hello ${bob.email}`]);
      } finally {
        ofAda.close();
        ofBob.close();
      }
    },
    'a page of another site is refused, and so is a visitor': async (stack) => {
      const { credential } = await signUp(stack, 'COOKIE');
      const foreign = connect({ extraHeaders: { ...credential, origin: 'https://evil.example' } });
      const visitor = connect({});
      try {
        await expectEvents(foreign.events, ['error CsrfError']);
        await expectEvents(visitor.events, ['disconnect io server disconnect']);
      } finally {
        foreign.close();
        visitor.close();
      }
    },
  },
};
