import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/support/ports.ts';
import { startProgram } from '../checks/processes.ts';
import { architectures, ownArchitecture } from '../image/architecture.ts';
import { checkRoot } from '../image/check.ts';
import { packProject } from '../image/packages.ts';
import { buildRoot } from '../image/root.ts';

const emulators = { amd64: 'qemu-x86_64-static', arm64: 'qemu-aarch64-static' };

const query = `mutation {
  signUp(email: "ada@example.com", password: "correct horse battery staple") { ... on SignInPayload { viewer { email } } }
}`;

/** Builds the root file system for a processor that this machine has not, and runs the server of it in an emulator. */
export async function checkForeignImage(): Promise<string> {
  const foreign = architectures.find((one) => one !== ownArchitecture);
  if (!foreign) throw new Error('There is one architecture only.');
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-foreign-'));
  try {
    const [root, home] = [join(folder, 'root'), join(folder, 'home')];
    for (const path of [root, home]) await mkdir(path);
    await buildRoot(root, { folder, tarball: await packProject(folder), architecture: foreign });
    const size = await checkRoot(root, foreign);
    const port = await freePort();
    const env = { PORT: String(port), LOG_FORMAT: 'json' };
    const args = ['-L', root, join(root, 'usr/local/bin/node'), join(root, 'app/dist/bin.js')];
    const server = await startProgram(emulators[foreign.name], args, { cwd: home, env, port });
    const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    assert.deepEqual(await answer.json(), { data: { signUp: { viewer: { email: 'ada@example.com' } } } });
    await server.stop();
    assert.match(server.printed(), /SIGTERM: finishing the requests in flight/);
    assert.equal(server.child.exitCode, 0);
    return `${foreign.name}, ${(size / 1_000_000).toFixed(1)} MB, serves in ${emulators[foreign.name]}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
