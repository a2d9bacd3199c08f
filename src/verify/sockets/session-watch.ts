import type { Auth, Session } from '../auth.ts';
import { VerificationUnavailable } from '../errors.ts';
import type { CloseReason, SessionEnd } from './close-reason.ts';
import { type Close, closeSockets } from './close-sockets.ts';
import { EndMemory, type StreamPoint } from './end-memory.ts';
import { createReporter, type Reporter } from './reporter.ts';
import { followSessionEnds } from './stream/follow.ts';
import type { StreamEndpoint } from './stream/session-end-stream.ts';
import { callAfter } from './timers.ts';
import { timing } from './timing.ts';
import { VerdictQueue } from './verdict-queue.ts';
import { WatchedSession } from './watched-session.ts';

export type WatchOptions = {
  endpoint: StreamEndpoint;
  maxUnreachableMs: number;
  onError: (error: unknown) => void;
  /** Verifies a token, without a use of its session. */
  verify(token: string): Promise<Auth | null>;
};

/** The circumstances of a verification: its token, and how much of the stream was known before. */
type Verification = { token: string; hasUser: boolean; point: StreamPoint };

/**
 * Closes sockets when their sessions end. Follows the ends of sessions while there are sockets.
 *
 * A session is verified again if ends may have passed by untold since it was verified, and when it should expire: it may
 * have been renewed. This needs its token: with the handle alone, a service would have to read all users.
 */
export class SessionWatch {
  readonly #options: WatchOptions;
  readonly #verifications = new WeakMap<Session, Verification>();
  readonly #sessions = new Map<string, WatchedSession>();
  readonly #reporter: Reporter;
  readonly #memory = new EndMemory();
  readonly #queue: VerdictQueue<WatchedSession>;
  #stopFollowing: (() => void) | null = null;
  #isStopped = false;
  #lastFailure: unknown = new Error('There is no answer yet.');

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#reporter = createReporter(options.onError);
    this.#queue = new VerdictQueue((watched) => this.#verifyAgain(watched));
  }

  /** Returns the point to pass on to `note`. Call it before the question to the server. */
  now(): StreamPoint {
    return this.#memory.now();
  }

  /** Notes a verification, so that sockets can be watched for its session. */
  note({ user, session }: Auth, token: string, point: StreamPoint): void {
    this.#verifications.set(session, { token, hasUser: user !== null, point });
    const watched = this.#sessions.get(session.handle);
    // The token may be newer than that of the socket, and the session may have been renewed.
    if (watched === undefined) return;
    watched.token = token;
    if (!watched.isDue) this.#expectLife(watched, session, user !== null);
  }

  closeWith(session: Session, close: Close): () => void {
    const verification = this.#verifications.get(session);
    if (verification === undefined) {
      throw new TypeError('closeWith needs the session that verify of the same verifier returned, not a copy of it.');
    }
    const { handle } = session;
    const socket = { close };
    const reason = this.#isStopped ? 'STOPPED' : this.#memory.reasonOf(handle);
    if (reason !== undefined) return callAfter(0, () => closeSockets([socket], reason, this.#reporter));
    const watched = this.#sessions.get(handle) ?? this.#watch(session, verification);
    watched.sockets.add(socket);
    return () => {
      watched.sockets.delete(socket);
      if (watched.sockets.size === 0) this.#forget(watched);
    };
  }

  /** Closes all sockets, and the stream. */
  stop(): void {
    this.#isStopped = true;
    this.#closeEverything('STOPPED');
  }

  #watch(session: Session, { token, hasUser, point }: Verification): WatchedSession {
    const watched = new WatchedSession(session.handle, token);
    this.#sessions.set(session.handle, watched);
    this.#stopFollowing ??= this.#follow();
    if (this.#memory.coversSince(point)) this.#expectLife(watched, session, hasUser);
    else this.#requireVerdict(watched);
    return watched;
  }

  #follow(): () => void {
    const { endpoint, maxUnreachableMs } = this.#options;
    return followSessionEnds({
      endpoint,
      maxUnreachableMs,
      onOpen: () => this.#reporter.noteSuccess(),
      onFresh: () => {
        this.#memory.begin();
        for (const watched of this.#sessions.values()) this.#requireVerdict(watched);
      },
      onEnds: (ends) => this.#noteEnds(ends),
      onUnreachable: (error) => {
        this.#closeEverything('UNREACHABLE');
        this.#reporter.reportOnce(error);
      },
      onMisconfigured: (error) => this.#reporter.reportOnce(error),
    });
  }

  #noteEnds(ends: SessionEnd[]): void {
    for (const end of ends) {
      this.#memory.add(end);
      this.#closeSession(this.#sessions.get(end.handle), end.reason);
    }
  }

  #expectLife(watched: WatchedSession, session: Session, hasUser: boolean): void {
    watched.expectLife(session, hasUser, () => this.#requireVerdict(watched));
  }

  /** Verifies a session again, as soon as the stream tells all ends from then on. */
  #requireVerdict(watched: WatchedSession): void {
    watched.expectVerdict(this.#options.maxUnreachableMs, () => {
      this.#closeSession(watched, 'UNREACHABLE');
      this.#reporter.reportOnce(new VerificationUnavailable(this.#lastFailure));
    });
    if (this.#memory.now() !== null) this.#queue.add(watched);
  }

  async #verifyAgain(watched: WatchedSession): Promise<void> {
    const { token } = watched;
    const point = this.#memory.now();
    const verdict = await this.#options.verify(token).catch((error: unknown) => {
      this.#lastFailure = error;
      if (!(error instanceof VerificationUnavailable)) this.#reporter.reportOnce(error);
      return 'none' as const;
    });
    if (verdict !== 'none') this.#reporter.noteSuccess();
    if (this.#sessions.get(watched.handle) !== watched) return;
    // A request may have brought the token of today meanwhile.
    const isOutdated = verdict === null && watched.token !== token;
    if (verdict === 'none' || isOutdated) {
      callAfter(timing.retryMs * (0.5 + Math.random()), () => {
        if (this.#sessions.get(watched.handle) === watched && watched.isDue) this.#queue.add(watched);
      });
      return;
    }
    if (verdict === null) this.#closeSession(watched, 'SESSION_ENDED');
    // Otherwise the next stream will ask again.
    else if (this.#memory.coversSince(point)) this.#expectLife(watched, verdict.session, verdict.user !== null);
  }

  #closeSession(watched: WatchedSession | undefined, reason: CloseReason): void {
    if (watched === undefined) return;
    const sockets = [...watched.sockets];
    this.#forget(watched);
    closeSockets(sockets, reason, this.#reporter);
  }

  #closeEverything(reason: CloseReason): void {
    const sockets = [...this.#sessions.values()].flatMap((watched) => [...watched.sockets]);
    for (const watched of [...this.#sessions.values()]) this.#forget(watched);
    closeSockets(sockets, reason, this.#reporter);
  }

  /** Stops to watch a session. Without any, the stream ends. */
  #forget(watched: WatchedSession): void {
    watched.stop();
    watched.sockets.clear();
    this.#queue.delete(watched);
    if (this.#sessions.get(watched.handle) === watched) this.#sessions.delete(watched.handle);
    if (this.#sessions.size > 0) return;
    this.#stopFollowing?.();
    this.#stopFollowing = null;
    this.#memory.end();
  }
}
