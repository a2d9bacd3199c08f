import { describe, expect, it, onTestFinished } from 'vitest';
import { VerifierMisconfigured } from '../../../src/verify/errors.ts';
import { createVerifier, type Verifier, type VerifierOptions } from '../../../src/verify/verifier.ts';
import { type Client, password } from '../../support/api.ts';
import { createService } from '../../support/oauth.ts';
import { shorten, startNetwork } from '../../support/session-ends.ts';
import { startVerifyingServer, type VerifyingServer } from '../../support/verify.ts';

/** Creates a verifier, and returns it with the errors that it reports. */
function follow(options: VerifierOptions): { verifier: Verifier; errors: unknown[] } {
  const errors: unknown[] = [];
  const verifier = createVerifier({ ...options, onError: (error) => errors.push(error) });
  onTestFinished(() => verifier.stop());
  return { verifier, errors };
}

/** Opens a socket in the session of a client. Returns the reasons for which it was closed. */
async function open({ verify, closeWith }: Verifier, client: Client): Promise<string[]> {
  const auth = await verify(client.headers());
  if (auth === null) throw new Error('There is no session.');
  const reasons: string[] = [];
  closeWith(auth.session, (reason) => reasons.push(reason));
  return reasons;
}

/** Waits until the stream has begun: then the first session is verified again. */
async function waitForStream({ questions }: VerifyingServer): Promise<void> {
  await expect.poll(() => questions.filter((form) => form.includes('touch=false'))).not.toEqual([]);
}

const idOf = async (client: Client): Promise<string> => (await client.ask('{ viewer { id } }')).viewer.id;

describe('closeWith and a server', () => {
  it('close the sockets of sessions, however they end', async () => {
    const server = await startVerifyingServer({ sessions: { maxPerUser: 2 } });
    const { api } = server;
    const { verifier, errors } = follow(server.options);
    const admin = await api.signUpAdmin('root@example.com');
    const ways: [expected: string, (client: Client, other: Client, email: string) => Promise<unknown>][] = [
      ['LOGGED_OUT', (client) => client.ask('mutation { logout { revokedSessionId } }')],
      ['LOGGED_OUT', (client, _, email) => client.login(email, 'BEARER')],
      ['SESSION_REVOKED', (_, other) => other.act('revokeOthers')],
      [
        'SESSION_REVOKED',
        (_, other) => other.act('changePassword', { currentPassword: password, newPassword: `${password}!` }),
      ],
      ['SESSION_REVOKED', (_, __, email) => api.client().login(email)],
      ['SESSION_REVOKED', async (client) => admin.act('suspendUser', { id: await idOf(client) })],
      ['SESSION_REVOKED', (_, other) => other.act('deleteAccount', { password })],
    ];
    const stays = await open(verifier, admin);
    await waitForStream(server);
    const ends: (() => Promise<unknown>)[] = [];
    const reasons: string[][] = [];
    for (const [i, [, end]] of ways.entries()) {
      const email = `ada${i}@example.com`;
      const client = await api.signUp(email, 'BEARER');
      const other = api.client();
      api.clock.now = new Date(api.clock.now.getTime() + 1_000);
      await other.login(email, 'BEARER');
      reasons.push(await open(verifier, client));
      ends.push(() => end(client, other, email));
    }
    expect(reasons).toEqual(ways.map(() => []));
    for (const end of ends) await end();
    await expect.poll(() => reasons).toEqual(ways.map(([expected]) => [expected]));
    expect([stays, errors]).toEqual([[], []]);
  });

  it('close the socket of a session that ended right after it was verified', async () => {
    const server = await startVerifyingServer();
    const { verifier } = follow(server.options);
    const [first, second] = [await server.api.signUp('a@example.com'), await server.api.signUp('b@example.com')];
    const reasons: string[] = [];
    for (const client of [first, second]) {
      const auth = await verifier.verify(client.headers());
      await client.ask('mutation { logout { revokedSessionId } }');
      if (auth) verifier.closeWith(auth.session, (reason) => reasons.push(reason));
    }
    await expect.poll(() => reasons).toHaveLength(2);
  });

  it('close the socket of a visitor whose session ends without an event', async () => {
    shorten({ visitorCheckMs: 1 });
    const server = await startVerifyingServer();
    const visitor = server.api.client();
    visitor.token = (await visitor.ask('mutation { startSession(transport: BEARER) { token } }')).startSession.token;
    const reasons = await open(follow(server.options).verifier, visitor);
    await waitForStream(server);
    expect(reasons).toEqual([]);
    await visitor.signUp('ada@example.com');
    await expect.poll(() => reasons).toEqual(['SESSION_ENDED']);
  });

  it('keep the sockets of a session that gets a new token', async () => {
    const server = await startVerifyingServer();
    const { verifier } = follow(server.options);
    const [ada, bob] = [await server.api.signUp('a@example.com'), await server.api.signUp('b@example.com')];
    const [ofAda, ofBob] = [await open(verifier, ada), await open(verifier, bob)];
    await waitForStream(server);
    await ada.act('reauthenticate', { password });
    await bob.ask('mutation { logout { revokedSessionId } }');
    await expect.poll(() => ofBob).toEqual(['LOGGED_OUT']);
    expect(ofAda).toEqual([]);
    await ada.ask('mutation { logout { revokedSessionId } }');
    await expect.poll(() => ofAda).toEqual(['LOGGED_OUT']);
  });

  it('miss no end while the server is away', async () => {
    shorten({ minBackoffMs: 1, maxBackoffMs: 10 });
    const server = await startVerifyingServer();
    const network = await startNetwork(new URL(server.options.url));
    const { verifier, errors } = follow({ ...server.options, url: network.url });
    const [ada, bob] = [await server.api.signUp('a@example.com'), await server.api.signUp('b@example.com')];
    const [ofAda, ofBob] = [await open(verifier, ada), await open(verifier, bob)];
    await waitForStream(server);
    const asked = server.questions.length;
    await network.cut();
    await ada.ask('mutation { logout { revokedSessionId } }');
    expect([ofAda, ofBob]).toEqual([[], []]);
    await network.mend();
    await expect.poll(() => ofAda).toEqual(['LOGGED_OUT']);
    // The stream continued, so there was nothing to ask again.
    expect([ofBob, errors]).toEqual([[], []]);
    expect(server.questions.length).toBeLessThanOrEqual(asked + 1);
  });

  it('verify sessions again if the events since were pruned', async () => {
    shorten({ minBackoffMs: 1, maxBackoffMs: 10 });
    const server = await startVerifyingServer();
    const { api } = server;
    const network = await startNetwork(new URL(server.options.url));
    const { verifier, errors } = follow({ ...server.options, url: network.url });
    const [ada, bob] = [await api.signUp('a@example.com'), await api.signUp('b@example.com')];
    const [ofAda, ofBob] = [await open(verifier, ada), await open(verifier, bob)];
    await waitForStream(server);
    await network.cut();
    await ada.ask('mutation { logout { revokedSessionId } }');
    await api.database.auditEvent.deleteMany();
    await api.signUp('c@example.com');
    await network.mend();
    await expect.poll(() => ofAda).toEqual(['SESSION_ENDED']);
    await bob.ask('mutation { logout { revokedSessionId } }');
    await expect.poll(() => ofBob).toEqual(['LOGGED_OUT']);
    expect(errors).toEqual([]);
  });

  it('report a service client without the scope events', async () => {
    const server = await startVerifyingServer();
    const { clientId, secret } = await createService(server.api, 'introspect');
    const { verifier, errors } = follow({ ...server.options, clientId, clientSecret: secret });
    await open(verifier, await server.api.signUp('ada@example.com'));
    await expect.poll(() => String(errors)).toMatch(/no scope events/);
    expect(errors).toEqual([expect.any(VerifierMisconfigured)]);
  });

  it('report a service client that was disabled', async () => {
    shorten({ minBackoffMs: 1, maxBackoffMs: 10 });
    const server = await startVerifyingServer();
    const network = await startNetwork(new URL(server.options.url));
    const { verifier, errors } = follow({ ...server.options, url: network.url });
    const reasons = await open(verifier, await server.api.signUp('ada@example.com'));
    await waitForStream(server);
    await server.api.database.serviceClient.updateMany({ data: { disabledAt: server.api.clock.now } });
    await network.cut();
    await network.mend();
    await expect.poll(() => String(errors)).toMatch(/client secret is wrong, or disabled/);
    expect(reasons).toEqual([]);
  });
});
