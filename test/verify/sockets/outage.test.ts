import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { VerificationUnavailable, VerifierMisconfigured } from '../../../src/verify/errors.ts';
import { WatchedSession } from '../../../src/verify/sockets/watched-session.ts';
import { type FakeStream, openSocket, shorten, startFakeServer } from '../../support/session-ends.ts';

const quick = { minBackoffMs: 1, maxBackoffMs: 10, retryMs: 1 };

/** A server with a stream at the cursor 7, and sockets in the sessions a and b. */
async function setUp() {
  shorten(quick);
  const server = await startFakeServer();
  const verifier = server.verifier();
  const sockets = [await openSocket(server, verifier, 'a'), await openSocket(server, verifier, 'b')];
  const reasons = () => sockets.map((socket) => socket.reasons);
  await expect.poll(() => server.questions.filter(([, touch]) => touch === 'false')).not.toEqual([]);
  const last = await openSocket(server, verifier, 'last');
  (await server.stream()).send('7', ['LOGGED_OUT', 'last']);
  await expect.poll(() => last.reasons).toEqual(['LOGGED_OUT']);
  return { server, reasons };
}

const failWith = (code: string) => (stream: FakeStream) => {
  const errors = [{ message: 'no', extensions: { code } }];
  stream.response.writeHead(200, { 'content-type': 'text/event-stream' });
  stream.response.end(`event: next\ndata: ${JSON.stringify({ errors })}\n\nevent: complete\ndata:\n\n`);
};

describe('closeWith after a broken connection', () => {
  it('continues after the last message, when the server was killed and came back', async () => {
    const { server, reasons } = await setUp();
    const questions = server.questions.length;
    await server.kill();
    await server.start();
    await expect.poll(() => server.streams.length).toBe(2);
    expect(server.streams[1]?.after).toBe('7');
    server.streams[1]?.send('8', ['SESSION_REVOKED', 'a']);
    await expect.poll(reasons).toEqual([['SESSION_REVOKED'], []]);
    expect([server.questions.length, server.errors]).toEqual([questions, []]);
  });

  it.each<[string, (stream: FakeStream) => void]>([
    ['completes it', ({ response }) => response.write('event: complete\ndata:\n\n')],
    ['ends it', ({ response }) => response.end()],
    ['sends no JSON', ({ response }) => response.write('event: next\ndata: {"data":\n\n')],
    ['sends another result', ({ response }) => response.write('event: next\ndata: {"data":{"adminEvents":{}}}\n\n')],
    [
      'sends bytes that are no text',
      ({ response }) => response.write(Buffer.from('event: next\ndata: \xff\n\n', 'latin1')),
    ],
    ['sends a line without end', ({ response }) => response.write(`data: ${'x'.repeat(1_024 * 1_024)}`)],
  ])('continues the stream if the server %s', async (_, breakIt) => {
    const { server, reasons } = await setUp();
    breakIt(await server.stream());
    await expect.poll(() => server.streams.length).toBe(2);
    expect(server.streams[1]?.after).toBe('7');
    server.streams[1]?.send('8', ['LOGGED_OUT', 'b']);
    await expect.poll(reasons).toEqual([[], ['LOGGED_OUT']]);
  });

  it('ignores events of other types, and those without a session', async () => {
    const { server, reasons } = await setUp();
    const events = [
      null,
      1,
      'a',
      {},
      { type: 'LOGGED_IN', sessionHandle: 'a' },
      { type: 'LOGGED_OUT', sessionHandle: null },
    ];
    const data = JSON.stringify({ data: { adminEvents: { cursor: '8', events } } });
    const stream = await server.stream();
    stream.response.write(`: a comment\nid: 3\nretry: 1\nevent: other\ndata: x\n\nevent: next\ndata: ${data}\n\n`);
    stream.send('9', ['LOGGED_OUT', 'b']);
    await expect.poll(reasons).toEqual([[], ['LOGGED_OUT']]);
    expect(server.streams).toHaveLength(1);
  });

  it('opens the stream again if nothing arrives, or if it does not begin', async () => {
    const { server, reasons } = await setUp();
    shorten({ maxSilenceMs: 20, maxOpeningMs: 20 });
    server.onStream = () => {};
    // The guard of the connection that is open has the times of before.
    (await server.stream()).response.destroy();
    await expect.poll(() => server.streams.length).toBeGreaterThan(3);
    server.onStream = (stream) => stream.send('7');
    const before = server.streams.length;
    await expect.poll(() => server.streams.length).toBeGreaterThan(before + 2);
    expect(new Set(server.streams.slice(1).map(({ after }) => after))).toEqual(new Set(['7']));
    expect(reasons()).toEqual([[], []]);
  });

  it.each(['RESUME_TOO_OLD', 'BAD_USER_INPUT'])('verifies all sessions again after %s', async (code) => {
    const { server, reasons } = await setUp();
    server.live.delete('a');
    const questions = server.questions.length;
    server.onStream = (stream) => (stream.after === null ? stream.send('20') : failWith(code)(stream));
    (await server.stream()).response.destroy();
    await expect.poll(reasons).toEqual([['SESSION_ENDED'], []]);
    expect(server.streams.map(({ after }) => after)).toEqual([null, '7', null]);
    expect(server.questions.slice(questions).sort()).toEqual([
      ['a', 'false'],
      ['b', 'false'],
    ]);
    server.streams[2]?.send('21', ['LOGGED_OUT', 'b']);
    await expect.poll(reasons).toEqual([['SESSION_ENDED'], ['LOGGED_OUT']]);
    expect(server.errors).toEqual([]);
  });
});

describe('closeWith without a connection', () => {
  it('closes all sockets after maxUnreachableMs, and begins anew with the next one', async () => {
    shorten(quick);
    const server = await startFakeServer();
    const verifier = server.verifier({ maxUnreachableMs: 300 });
    const sockets = [await openSocket(server, verifier, 'a'), await openSocket(server, verifier, 'b')];
    (await server.stream()).send('1');
    await server.kill();
    await expect.poll(() => sockets.map(({ reasons }) => reasons)).toEqual([['UNREACHABLE'], ['UNREACHABLE']]);
    expect(server.errors).toEqual([expect.any(VerificationUnavailable)]);
    const before = server.streams.length;
    await server.start();
    await openSocket(server, verifier, 'c');
    await expect.poll(() => server.streams.length).toBeGreaterThan(before);
    expect(server.streams[before]?.after).toBeNull();
  });

  it('measures the time only while there is no connection', async () => {
    shorten(quick);
    const maxUnreachableMs = 54_321;
    const running = new Set<unknown>();
    const set = vi.spyOn(globalThis, 'setTimeout');
    const clear = vi.spyOn(globalThis, 'clearTimeout');
    onTestFinished(() => [set, clear].forEach((spy) => void spy.mockRestore()));
    const deadlines = () => {
      set.mock.calls.forEach(([, delayMs = 0], i) => {
        if (delayMs > 50_000 && delayMs <= maxUnreachableMs) running.add(set.mock.results[i]?.value);
      });
      for (const [timer] of clear.mock.calls) running.delete(timer);
      return running.size;
    };
    const server = await startFakeServer();
    await openSocket(server, server.verifier({ maxUnreachableMs }), 'a');
    for (let i = 0; i < 2; i += 1) {
      await expect.poll(deadlines).toBe(0);
      await server.kill();
      await expect.poll(deadlines).toBe(1);
      await server.start();
    }
    await expect.poll(deadlines).toBe(0);
  });

  it('closes them too if the first stream never begins', async () => {
    shorten(quick);
    const server = await startFakeServer();
    server.onStream = () => {};
    const a = await openSocket(server, server.verifier({ maxUnreachableMs: 50 }), 'a');
    await expect.poll(() => a.reasons).toEqual(['UNREACHABLE']);
  });

  it('closes the sockets of a session that cannot be verified again for so long', async () => {
    shorten(quick);
    const server = await startFakeServer();
    const verifier = server.verifier({ maxUnreachableMs: 100 });
    const auth = await verifier.verify(server.addSession('a'));
    server.onQuestion = (response) => response.writeHead(500).end();
    const reasons: string[] = [];
    if (auth) verifier.closeWith(auth.session, (reason) => reasons.push(reason));
    await expect.poll(() => reasons).toEqual(['UNREACHABLE']);
  });

  it('gives such a session no more time when the stream begins anew', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const watched = new WatchedSession('handle', 'token');
    const onLate = vi.fn();
    for (let i = 0; i < 4; i += 1) {
      watched.expectVerdict(100, onLate);
      vi.advanceTimersByTime(30);
    }
    expect(onLate).toHaveBeenCalledOnce();
  });

  it('asks again if only a question from before a gap was answered', async () => {
    const held: (() => void)[] = [];
    shorten(quick);
    const server = await startFakeServer();
    const verifier = server.verifier();
    const auth = await verifier.verify(server.addSession('a'));
    server.onQuestion = (response, token) => {
      held.push(() => response.end(JSON.stringify(server.live.get(token))));
    };
    server.onStream = (stream) => (stream.after === null ? stream.send('1') : failWith('RESUME_TOO_OLD')(stream));
    if (auth) verifier.closeWith(auth.session, () => {});
    await expect.poll(() => held.length).toBe(1);
    (await server.stream()).response.destroy();
    await expect.poll(() => server.streams.map(({ after }) => after)).toEqual([null, '1', null]);
    server.onQuestion = (response) => response.writeHead(500).end();
    held[0]?.();
    await expect.poll(() => server.questions.length).toBeGreaterThan(4);
  });

  it('keeps them if a later verification finds the session live', async () => {
    shorten(quick);
    const server = await startFakeServer();
    const verifier = server.verifier();
    const auth = await verifier.verify(server.addSession('a'));
    server.onQuestion = (response) => {
      if (server.questions.length > 3) server.onQuestion = null;
      response.writeHead(503).end();
    };
    const reasons: string[] = [];
    if (auth) verifier.closeWith(auth.session, (reason) => reasons.push(reason));
    await expect.poll(() => server.questions.length).toBe(5);
    (await server.stream()).send('1', ['LOGGED_OUT', 'a']);
    await expect.poll(() => reasons).toEqual(['LOGGED_OUT']);
    expect([server.questions.length, server.errors]).toEqual([5, []]);
  });

  const json =
    (status: number, code: string) =>
    ({ response }: FakeStream) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ message: 'no', extensions: { code } }] }));
    };
  const bare =
    (status: number, headers = {}) =>
    ({ response }: FakeStream) => {
      response.writeHead(status, headers).end();
    };
  it.each<[string, (stream: FakeStream) => void, RegExp]>([
    ['a wrong secret', json(401, 'SERVICE_KEY_INVALID'), /clientSecret/],
    ['a missing scope, in the stream', failWith('FORBIDDEN'), /no scope events/],
    ['a missing scope', json(200, 'UNAUTHENTICATED'), /no scope events/],
    ['an old server', json(400, 'GRAPHQL_VALIDATION_FAILED'), /Update/],
    ['trusted documents', json(400, 'PERSISTED_QUERY_NOT_IN_LIST'), /subscription SessionEnds/],
    ['another path', bare(404), /without \/graphql/],
    ['another host', bare(421), /ALLOWED_HOSTS/],
    ['a redirect', bare(302, { location: 'http://127.0.0.1:1/' }), /redirect/],
  ])('reports %s once, and tries again', async (_, answer, message) => {
    shorten(quick);
    const server = await startFakeServer();
    server.onStream = answer;
    const a = await openSocket(server, server.verifier({ clientSecret: 'gqk_x' }), 'a');
    await expect.poll(() => server.streams.length).toBeGreaterThan(2);
    expect(server.errors).toEqual([expect.any(VerifierMisconfigured)]);
    expect(String(server.errors[0])).toMatch(message);
    expect(String(server.errors[0])).not.toContain('gqk_x');
    // The operator has corrected it.
    server.onStream = (stream) => stream.send('1', ['LOGGED_OUT', 'a']);
    await expect.poll(() => a.reasons).toEqual(['LOGGED_OUT']);
  });

  it('reports once that the verifier may no longer introspect', async () => {
    shorten(quick);
    const server = await startFakeServer();
    const verifier = server.verifier();
    const auth = await verifier.verify(server.addSession('a'));
    server.onQuestion = (response) => response.writeHead(403).end();
    if (auth) verifier.closeWith(auth.session, () => {});
    await expect.poll(() => server.questions.length).toBeGreaterThan(4);
    expect(server.errors).toEqual([expect.any(VerifierMisconfigured)]);
  });
});
