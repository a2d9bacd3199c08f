/** @module-tag slow/process */
import { expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/database.ts';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { fetchOver } from '../support/api.ts';
import { emptyDatabase } from '../support/database.ts';
import { runNode, startServer } from '../support/process.ts';
import { startReceiver, verify } from '../support/webhooks.ts';

it('a webhook is managed by commands, and loses no message when the server is killed while it sends', async () => {
  const url = await emptyDatabase();
  const env = { ENCRYPTION_KEYS: createEncryptionKey(), WEBHOOK_PRIVATE_NETWORKS: '127.0.0.1' };
  const cli = async (...args: string[]) => {
    const program = runNode('src/cli.ts', ['webhook', ...args], { DATABASE_URL: url, ...env });
    const { code, stdout, stderr } = await program.ended;
    expect([args, code, stderr]).toEqual([args, 0, '']);
    return stdout;
  };
  const receiver = await startReceiver();
  const server = await startServer(url, env);
  const { id, secret } = JSON.parse(
    await cli('create', receiver.url, '--event', 'SIGNED_UP', 'WEBHOOK_CREATED', '--json'),
  );
  await expect.poll(() => receiver.accepted.map(({ message }) => message.type)).toEqual(['webhook.created']);
  receiver.answer = () => {
    server.child.kill('SIGKILL');
    return 204;
  };
  const signUp =
    'mutation { signUp(email: "ada@example.com", password: "correct horse battery staple") { __typename } }';
  await fetchOver(server.address, signUp);
  await server.ended;
  const database = await openDatabase(url);
  onTestFinished(() => database.$disconnect());
  const delivery = await database.webhookDelivery.findFirstOrThrow({ where: { eventType: 'SIGNED_UP' } });
  expect(delivery).toMatchObject({ state: 'WAITING', attempts: 1, lastStatus: null });
  expect(await cli('list')).toContain(`1  ${receiver.url}  SIGNED_UP WEBHOOK_CREATED`);
  expect(await cli('deliveries', id, '--state', 'waiting')).toContain(`${delivery.id}  ${delivery.messageId}`);
  receiver.answer = () => 204;
  await cli('replay', id, '--delivery', String(delivery.id));
  await startServer(url, env);
  await expect.poll(() => receiver.accepted.length).toBe(3);
  const [, sent, again] = receiver.accepted;
  expect(again?.headers['webhook-id']).toBe(sent?.headers['webhook-id']);
  if (again) expect(verify(secret, again, new Date())).toMatchObject({ type: 'user.signed_up' });
  const rotated = JSON.parse(await cli('rotate', id, '--leaked', '--json'));
  expect(rotated.secret).toMatch(/^whsec_/);
  expect(rotated.secret).not.toBe(secret);
  expect(await cli('delete', id)).toBe(`Deleted: ${id} ${receiver.url}\n`);
  const usage = await runNode('src/cli.ts', ['webhook', 'replay', id], { DATABASE_URL: url, ...env }).ended;
  expect(usage).toMatchObject({ code: 2, stderr: expect.stringContaining('--dead-since <time>') });
});
