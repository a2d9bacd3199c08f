import { VerificationUnavailable, VerifierMisconfigured } from '../../errors.ts';
import type { SessionEnd } from '../close-reason.ts';
import { callAfter } from '../timers.ts';
import { timing } from '../timing.ts';
import { guardConnection } from './connection-guard.ts';
import { openSessionEnds, ResumeRefused, type StreamEndpoint } from './session-end-stream.ts';

export type FollowOptions = {
  endpoint: StreamEndpoint;
  maxUnreachableMs: number;
  /** Is called when a connection has its first message. */
  onOpen(): void;
  /** Is called when a stream begins that continues no earlier one. It tells no end from before. */
  onFresh(): void;
  onEnds(ends: SessionEnd[]): void;
  /** Is called once there was no connection for `maxUnreachableMs`. */
  onUnreachable(error: VerificationUnavailable): void;
  /** Is called for each attempt that fails because of what a developer has to correct. */
  onMisconfigured(error: VerifierMisconfigured): void;
};

/**
 * Follows the ends of all sessions until it is stopped. Connects again with a random delay, and continues after the last
 * message. Returns the function that stops it.
 */
export function followSessionEnds(options: FollowOptions): () => void {
  const stopping = new AbortController();
  void follow(options, stopping.signal);
  return () => stopping.abort();
}

async function follow(options: FollowOptions, stopping: AbortSignal): Promise<void> {
  const { endpoint, onOpen, onFresh, onEnds } = options;
  const outage = trackOutage(options, stopping);
  let cursor: string | null = null;
  let failures = 0;
  while (!stopping.aborted) {
    const guard = guardConnection(stopping);
    const begun = performance.now();
    let isOpen = false;
    let failure: unknown = new Error('The server ended the stream.');
    try {
      for await (const message of openSessionEnds(endpoint, cursor, guard)) {
        if (!isOpen) {
          isOpen = true;
          guard.onOpen();
          outage.end();
          onOpen();
          if (cursor === null) onFresh();
        }
        cursor = message.cursor;
        onEnds(message.ends);
        if (stopping.aborted) return;
      }
    } catch (error) {
      failure = error;
    } finally {
      guard.close();
    }
    if (stopping.aborted) return;
    outage.note(failure, isOpen ? (guard.silentSince() ?? performance.now()) : null);
    if (failure instanceof ResumeRefused) {
      cursor = null;
      continue;
    }
    failures = isOpen && performance.now() - begun >= timing.minConnectionMs ? 0 : failures + 1;
    await delay(failure instanceof VerifierMisconfigured ? timing.maxBackoffMs : backoffMs(failures), stopping);
  }
}

/** Measures how long there is no connection, which begins now. */
function trackOutage(
  { maxUnreachableMs, onUnreachable, onMisconfigured }: FollowOptions,
  stopping: AbortSignal,
): { note(failure: unknown, lostAt: number | null): void; end(): void } {
  let cause: unknown = new Error('There is no answer yet.');
  let cancel = () => {};
  function begin(at: number): void {
    cancel();
    cancel = callAfter(at + maxUnreachableMs - performance.now(), () => {
      onUnreachable(new VerificationUnavailable(cause));
    });
  }
  begin(performance.now());
  stopping.addEventListener('abort', () => cancel(), { once: true });
  return {
    note(failure, lostAt) {
      cause = failure;
      if (lostAt !== null) begin(lostAt);
      if (failure instanceof VerifierMisconfigured) onMisconfigured(failure);
    },
    end: () => cancel(),
  };
}

function backoffMs(failures: number): number {
  return Math.random() * Math.min(timing.minBackoffMs * 2 ** failures, timing.maxBackoffMs);
}

/** Resolves after a time in milliseconds, or when the signal aborts. */
function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = callAfter(delayMs, finish);
    function finish(): void {
      cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    }
    signal.addEventListener('abort', finish);
  });
}
