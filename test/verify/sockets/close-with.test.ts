import { describe, expect, it } from 'vitest';
import { VerifierMisconfigured } from '../../../src/verify/errors.ts';
import { openSocket, shorten, startFakeServer } from '../../support/session-ends.ts';

const seconds = () => Math.floor(Date.now() / 1_000);

describe('closeWith', () => {
  it.each(['LOGGED_OUT', 'SESSION_REVOKED', 'SESSION_EXPIRED'])(
    'closes all sockets of a session after %s, and no others',
    async (type) => {
      const server = await startFakeServer();
      const verifier = server.verifier();
      const [a, sameSession, b] = [
        await openSocket(server, verifier, 'a'),
        await openSocket(server, verifier, 'a'),
        await openSocket(server, verifier, 'b'),
      ];
      const stream = await server.stream();
      stream.send('1', [type, 'a'], [type, 'other']);
      await expect.poll(() => a.reasons).toEqual([type]);
      expect([sameSession.reasons, b.reasons]).toEqual([[type], []]);
      expect(stream).toMatchObject({ after: null, key: 'secret', query: expect.stringContaining('adminEvents') });
      expect([server.streams.length, server.errors]).toEqual([1, []]);
    },
  );

  it('opens a stream with the first socket, and ends it when the last one is forgotten', async () => {
    const server = await startFakeServer();
    const verifier = server.verifier();
    await verifier.verify(server.addSession('a'));
    expect(server.streams).toEqual([]);
    const a = await openSocket(server, verifier, 'a');
    const b = await openSocket(server, verifier, 'a');
    const stream = await server.stream();
    a.forget();
    a.forget();
    stream.send('1', ['LOGGED_OUT', 'a']);
    await expect.poll(() => b.reasons).toEqual(['LOGGED_OUT']);
    await expect.poll(() => stream.isOpen).toBe(false);
    b.forget();
    expect(a.reasons).toEqual([]);

    const later = await openSocket(server, verifier, 'c');
    await expect.poll(() => server.streams.length).toBe(2);
    const next = await server.stream();
    expect(next.after).toBeNull();
    later.forget();
    await expect.poll(() => next.isOpen).toBe(false);
  });

  it('closes the socket of a session that ended after its verification, before there was a stream', async () => {
    const server = await startFakeServer();
    const { verify, closeWith } = server.verifier();
    const auth = await verify(server.addSession('a'));
    server.live.delete('a');
    const reasons: string[] = [];
    if (auth) closeWith(auth.session, (reason) => reasons.push(reason));
    await expect.poll(() => reasons).toEqual(['SESSION_ENDED']);
  });

  it('closes the socket of a session whose end the stream told before the socket was there', async () => {
    const server = await startFakeServer();
    const verifier = server.verifier();
    const a = await openSocket(server, verifier, 'a');
    await expect.poll(() => server.questions).toContainEqual(['a', 'false']);
    const last = await openSocket(server, verifier, 'last');
    const auth = await verifier.verify(server.addSession('b'));
    (await server.stream()).send('1', ['SESSION_REVOKED', 'b'], ['LOGGED_OUT', 'last']);
    await expect.poll(() => last.reasons).toEqual(['LOGGED_OUT']);
    const reasons: string[] = [];
    if (auth) verifier.closeWith(auth.session, (reason) => reasons.push(reason));
    await expect.poll(() => reasons).toEqual(['SESSION_REVOKED']);
    expect([a.reasons, server.questions.length]).toEqual([[], 4]);
  });

  it('verifies a session again, without a use, only if ends may have passed by since', async () => {
    const server = await startFakeServer();
    const verifier = server.verifier();
    await openSocket(server, verifier, 'a');
    await server.stream();
    await expect
      .poll(() => server.questions)
      .toEqual([
        ['a', null],
        ['a', 'false'],
      ]);
    const b = await openSocket(server, verifier, 'b');
    expect(server.questions.slice(2)).toEqual([['b', null]]);
    const auth = await verifier.verify(server.addSession('c'));
    const many = Array.from({ length: 10_001 }, (_, i): [string, string] => ['LOGGED_OUT', `other${i}`]);
    (await server.stream()).send('1', ...many, ['LOGGED_OUT', 'b']);
    await expect.poll(() => b.reasons).toEqual(['LOGGED_OUT']);
    if (auth) verifier.closeWith(auth.session, () => {});
    await expect.poll(() => server.questions.slice(4)).toEqual([['c', 'false']]);
  });

  it('verifies a session again when it should expire, and closes its sockets only if it is not live', async () => {
    shorten({ retryMs: 1, expiryMarginMs: 0 });
    const server = await startFakeServer();
    const verifier = server.verifier();
    server.addSession('renewed', { exp: seconds() });
    server.addSession('expired', { exp: seconds() });
    const renewed = await openSocket(server, verifier, 'renewed');
    const expired = await openSocket(server, verifier, 'expired');
    const asked = (handle: string) => server.questions.filter(([token]) => token === handle).length;
    await expect.poll(() => Math.min(asked('renewed'), asked('expired'))).toBeGreaterThan(3);
    server.addSession('renewed');
    server.live.delete('expired');
    await expect.poll(() => expired.reasons).toEqual(['SESSION_ENDED']);
    await verifier.verify({ authorization: 'Bearer expired' });
    expect(renewed.reasons).toEqual([]);
  });

  it('verifies sessions without a user at intervals, because the log has no end of them', async () => {
    shorten({ visitorCheckMs: 1 });
    const server = await startFakeServer();
    server.addSession('visitor', { sub: undefined });
    const visitor = await openSocket(server, server.verifier(), 'visitor');
    await expect.poll(() => server.questions.length).toBeGreaterThan(4);
    expect(visitor.reasons).toEqual([]);
    server.live.delete('visitor');
    await expect.poll(() => visitor.reasons).toEqual(['SESSION_ENDED']);
  });

  it('uses the token of today, if a later request brought it', async () => {
    shorten({ visitorCheckMs: 1, retryMs: 1 });
    const server = await startFakeServer();
    const verifier = server.verifier();
    server.addSession('a', { sub: undefined });
    const a = await openSocket(server, verifier, 'a');
    server.live.set('new', { ...server.live.get('a'), sid: 'a' });
    await verifier.verify({ authorization: 'Bearer new' });
    server.live.delete('a');
    await expect
      .poll(() => server.questions.slice(-2))
      .toEqual([
        ['new', 'false'],
        ['new', 'false'],
      ]);
    expect(a.reasons).toEqual([]);
  });

  it('closes every socket, and reports the errors of those that fail', async () => {
    const server = await startFakeServer();
    const { verify, closeWith } = server.verifier();
    const auth = await verify(server.addSession('a'));
    const reasons: string[] = [];
    const closes = [
      () => {
        throw new Error('at once');
      },
      () => Promise.reject(new Error('later')),
      (reason: string) => reasons.push(reason),
    ];
    for (const close of closes) if (auth) closeWith(auth.session, close);
    (await server.stream()).send('1', ['LOGGED_OUT', 'a']);
    await expect.poll(() => reasons).toEqual(['LOGGED_OUT']);
    await expect.poll(() => server.errors).toEqual([new Error('at once'), new Error('later')]);
  });

  it('survives an error of onError, and a socket that opens another one while it closes', async () => {
    const server = await startFakeServer();
    const verifier = server.verifier({
      onError() {
        throw new Error('broken');
      },
    });
    const b = await verifier.verify(server.addSession('b'));
    const a = await openSocket(server, verifier, 'a', () => {
      if (b) verifier.closeWith(b.session, (reason) => a.reasons.push(`b: ${reason}`));
      throw new Error('close');
    });
    (await server.stream()).send('1', ['LOGGED_OUT', 'a']);
    await expect.poll(() => a.reasons).toEqual(['LOGGED_OUT']);
    // Between the two sockets there was none.
    await expect.poll(() => server.streams.length).toBe(2);
    server.streams[1]?.send('2', ['SESSION_REVOKED', 'b']);
    await expect.poll(() => a.reasons).toEqual(['LOGGED_OUT', 'b: SESSION_REVOKED']);
  });

  it('closes everything, and later sockets at once, after stop', async () => {
    const server = await startFakeServer();
    const verifier = server.verifier();
    const a = await openSocket(server, verifier, 'a');
    const stream = await server.stream();
    verifier.stop();
    expect(a.reasons).toEqual(['STOPPED']);
    await expect.poll(() => stream.isOpen).toBe(false);
    const b = await openSocket(server, verifier, 'b');
    const forgotten = await openSocket(server, verifier, 'c');
    forgotten.forget();
    await expect.poll(() => b.reasons).toEqual(['STOPPED']);
    expect([forgotten.reasons, server.streams.length]).toEqual([[], 1]);
  });

  it('refuses a session that this verifier did not return', async () => {
    const server = await startFakeServer();
    const { verify, closeWith } = server.verifier();
    const auth = await verify(server.addSession('a'));
    const copy = { ...auth?.session } as Parameters<typeof closeWith>[0];
    expect(() => closeWith(copy, () => {})).toThrow(TypeError);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('refuses maxUnreachableMs: %d', async (wrong) => {
    const server = await startFakeServer();
    expect(() => server.verifier({ maxUnreachableMs: wrong })).toThrow(VerifierMisconfigured);
  });
});
