import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { isUnavailable } from '../database/failures.ts';
import { streamDeliveries } from '../diagnostics.ts';
import type { Scope } from '../scope.ts';
import type { StreamEnd } from './end.ts';
import type { Message } from './messages.ts';
import { isOwnHandle, type Reader, type ReaderPolicies, readState } from './reader.ts';

/** The pause between two reads while the database does not answer. */
const retryMs = 1_000;

/** A message with the scope of its reader, as it is at the delivery. */
export type Delivery = { message: Message; scope: Scope };

/** The decision on a message, right before it is delivered. */
export type Verdict =
  | { delivery: Delivery; isLast: boolean }
  /** The stream ends, and the message is not delivered. */
  | { end: StreamEnd };

export type JudgeParts = { database: Database; clock: Pick<Clock, 'now'>; config: ReaderPolicies };

/**
 * Decides on a message right before its delivery, by the state of its reader then: so no message reaches the reader of a
 * session that has ended, however long it waited. While the database does not answer, the message waits.
 */
export async function judge(
  parts: JudgeParts,
  reader: Reader,
  message: Message,
  hasEnded: () => boolean,
): Promise<Verdict> {
  if (message.at) streamDeliveries.publish({ ms: parts.clock.now().getTime() - message.at.getTime() });
  const isOwnEnd = message.kind === 'ended' && isOwnHandle(reader, message.handle);
  if (isOwnEnd) return farewell(parts, reader, message);
  const { database, clock, config } = parts;
  const state = await whenAvailable(() => readState(database, reader, clock.now(), config), hasEnded);
  if (state === null) return { end: 'CLIENT_LEFT' };
  if (state.kind === 'lost') return { end: 'ACCESS_LOST' };
  if (state.kind === 'replaced') return { end: 'CREDENTIAL_REPLACED' };
  if (state.kind === 'allowed') return { delivery: { message, scope: state.scope }, isLast: false };
  return farewell(parts, reader, { kind: 'ended', cursor: message.cursor, ...state.session });
}

/** Returns the last delivery to the reader of a session that has ended. Privileged streams have no message for it. */
function farewell({ clock }: JudgeParts, { opened, isPrivileged }: Reader, message: Message): Verdict {
  if (isPrivileged) return { end: 'SESSION_ENDED' };
  return { delivery: { message, scope: withoutSession(opened, clock.now()) }, isLast: true };
}

function withoutSession(scope: Scope, now: Date): Scope {
  return { ...scope, now, session: null, presentedToken: null, actorId: null, isAdmin: false };
}

/** Reads something, again while the database does not answer. Returns null if the stream has ended meanwhile. */
export async function whenAvailable<T>(read: () => Promise<T>, hasEnded: () => boolean): Promise<T | null> {
  while (!hasEnded()) {
    try {
      return await read();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await sleep(retryMs);
    }
  }
  return null;
}
