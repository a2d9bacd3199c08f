/** The live streams of a server: one follow of the log of events for all of them. */
import type { Config } from '../config/config.ts';
import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { endedStreams, openedStreams } from '../diagnostics.ts';
import { RequestError } from '../errors.ts';
import type { Follow, LogReader } from '../events/log-reader.ts';
import type { Scope } from '../scope.ts';
import { startChecks } from './checks.ts';
import { endOver } from './drain.ts';
import type { StreamEnd, StreamTransport } from './end.ts';
import { judge, whenAvailable } from './judge.ts';
import { missedBy } from './missed.ts';
import { type EventFilter, type OpenStream, OpenStreams } from './open-streams.ts';
import { Quotas, streamLimits } from './quotas.ts';
import { isService, type ReaderState } from './reader.ts';
import { Stream } from './stream.ts';
import { Turns } from './turns.ts';

export type Opening = {
  /** The scope of the reader, who has the right to read the stream. */
  scope: Scope;
  transport: StreamTransport;
  /** The position after which the reader resumes. Null to begin now. */
  after: bigint | null;
  /** The events of all accounts that the stream tells. Null for a stream of the reader's own sessions. */
  filter: EventFilter | null;
  /** Is called once, when the stream ends. */
  onEnd(end: StreamEnd): void;
};

export type Streams = {
  /**
   * Opens a stream. Its first message has the position at which it begins.
   *
   * @throws RequestError TOO_MANY_STREAMS, SUBSCRIPTIONS_DISABLED, SERVER_OVERLOADED if the server stops, and for
   *   `after` RESUME_TOO_OLD and BAD_USER_INPUT.
   */
  open(opening: Opening): Promise<Stream>;
  /** @throws RequestError SUBSCRIPTIONS_DISABLED, and SERVER_OVERLOADED if the server stops. */
  requireOpen(): void;
  /** Reads the readers of all streams again, which also happens once a minute. */
  check(): Promise<void>;
  /** Ends all streams in this time, one after the other, and opens none from now on. */
  drain(overMs: number): Promise<void>;
  /** Ends all streams at once. */
  stop(): Promise<void>;
};

export type StreamParts = {
  database: Database;
  log: LogReader;
  clock: Pick<Clock, 'now'>;
  config: Pick<Config, 'sessions' | 'secondFactor' | 'adminRoles' | 'streamsPerNode'>;
  report(error: unknown): void;
};

export function openStreams({ database, log, clock, config, report }: StreamParts): Streams {
  const streams = new OpenStreams();
  const turns = new Turns();
  const quotas = new Quotas(streamLimits(config.streamsPerNode));
  const checks = startChecks({ database, clock, config, report, streams, apply });
  let following: Promise<Follow> | null = null;
  let opening = 0;
  let isDraining = false;
  /** Every event up to it was told. */
  let cursor = 0n;
  /** The highest id of an event that was told. */
  let top = 0n;

  function onEvents(events: Parameters<OpenStreams['tell']>[0], position: bigint): void {
    // The log goes back if a backup is restored.
    if (position < cursor) top = position;
    const before = cursor < position ? cursor : position;
    cursor = position;
    for (const { id } of events) if (id > top) top = id;
    if (cursor > top) top = cursor;
    streams.tell(events, before, position);
    streams.endReplaced(events);
    const toCheck = streams.toCheck(events);
    if (toCheck.length > 0) void checks.check(toCheck);
  }

  async function follow(): Promise<void> {
    following ??= log.follow(onEvents).then((begun) => {
      if (begun.cursor > cursor) cursor = begun.cursor;
      if (cursor > top) top = cursor;
      return begun;
    });
    try {
      await following;
    } catch (error) {
      following = null;
      throw error;
    }
  }

  function unfollow(): void {
    if (streams.size > 0 || opening > 0) return;
    void following?.then((begun) => begun.stop()).catch(() => {});
    following = null;
    [cursor, top] = [0n, 0n];
  }

  function apply(open: OpenStream, state: ReaderState): void {
    if (state.kind === 'lost') open.stream.close('ACCESS_LOST');
    if (state.kind === 'replaced') open.stream.close('CREDENTIAL_REPLACED');
    if (state.kind !== 'ended' || open.isEnding) return;
    open.isEnding = true;
    open.stream.pushLast({ kind: 'ended', cursor, ...state.session });
  }

  async function begin({ scope, transport, after, filter, onEnd }: Opening, giveBack: () => void): Promise<Stream> {
    await follow();
    const reader = { opened: scope, isPrivileged: filter !== null };
    const missedAfter = (from: bigint, isResumed: boolean) =>
      missedBy(database, { reader, filter, from, upTo: top, settled: cursor, isResumed });
    const hasEnded = () => stream.end !== null;
    const first = { kind: 'start', cursor: after !== null && after < cursor ? after : cursor } as const;
    const stream: Stream = new Stream(first, {
      readMissed: after === null ? null : missedAfter(after, true),
      missedSince(position) {
        // The log may have gone back.
        const read = missedAfter(position < cursor ? position : cursor, false);
        return () => whenAvailable(read, hasEnded);
      },
      now: () => clock.now().getTime(),
      judge: (message) => judge({ database, clock, config }, reader, message, hasEnded),
      enter: () => turns.enter(isService(reader) ? null : (scope.session?.userId ?? null)),
      onEnd(end) {
        giveBack();
        streams.remove(open);
        unfollow();
        endedStreams.publish({ transport, reason: end });
        onEnd(end);
      },
    });
    const expiresAt = isService(reader) ? null : (scope.session?.expiresAt ?? null);
    const open: OpenStream = { stream, reader, filter, expiresAt, isEnding: false };
    streams.add(open);
    openedStreams.publish({ transport });
    checks.expect(open);
    await stream.prepare();
    return stream;
  }

  function requireOpen(): void {
    if (config.streamsPerNode === 0) throw new RequestError('SUBSCRIPTIONS_DISABLED', disabled);
    if (isDraining) throw new RequestError('SERVER_OVERLOADED', stopping, 1);
  }

  return {
    requireOpen,
    async open(given) {
      requireOpen();
      const { session, client, service } = given.scope;
      const holdsSession = service === null ? (session?.id ?? null) : null;
      const giveBack = quotas.take({ sessionId: holdsSession, ipAddress: client.ipAddress });
      opening += 1;
      try {
        return await begin(given, giveBack);
      } catch (error) {
        giveBack();
        throw error;
      } finally {
        opening -= 1;
        unfollow();
      }
    },
    check: () => checks.check([...streams]),
    async drain(overMs) {
      isDraining = true;
      await endOver(overMs, [...streams]);
    },
    async stop() {
      isDraining = true;
      for (const { stream } of streams) stream.close('DRAINED');
      await checks.stop();
    },
  };
}

const disabled = 'The operator has turned subscriptions off (STREAMS_PER_NODE=0).';
const stopping = 'This server is stopping. Subscribe again, at another server.';
