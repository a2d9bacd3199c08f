import { RequestError } from '../../errors.ts';
import type { Delivery } from '../../streams/judge.ts';
import type { Opening } from '../../streams/streams.ts';
import type { Context } from '../context.ts';
import { parseEventCursor } from './cursor.ts';

/** Opens the stream of a subscription for the caller. @throws RequestError */
export async function openStream(
  { streams, receiver, caller }: Context,
  after: string | null | undefined,
  filter: Opening['filter'],
): Promise<AsyncIterable<Delivery>> {
  if (streams === null || receiver === null) {
    throw new RequestError('SUBSCRIPTIONS_DISABLED', 'This server has no subscriptions.');
  }
  const position = after == null ? null : parseEventCursor(after);
  const { transport, onEnd } = receiver;
  return streams.open({ scope: caller.scope, transport, after: position, filter, onEnd });
}

/** The description of the argument `after` of subscriptions. */
export const afterDescription =
  'The `cursor` of the last message that the client received: the stream continues after it, and misses nothing. Some ' +
  'events may come twice. RESUME_TOO_OLD if that is too long ago, and BAD_USER_INPUT for a text that is no cursor.';

/** The description of `cursor` in messages. */
export const cursorDescription = 'The position in the stream. A client that connects again sends it as `after`.';
