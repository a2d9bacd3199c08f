/** Poll-based delivery of security events (RFC 8936). */
import { isUnavailable } from '../../../database/failures.ts';
import { OperatorNotice } from '../../../errors.ts';
import { toNodeId } from '../../../graphql/node-id.ts';
import type { Service } from '../../../scope.ts';
import { maxEventsAtOnce, type Poll, type Polled, poll, type Transmitter } from '../../../security-events/poll.ts';
import type { Wait, WaitingPolls } from '../../../security-events/waiting-polls.ts';
import type { AppOptions } from '../../front-door.ts';
import { type Outgoing, Refusal } from '../../messages.ts';
import type { Route } from '../route.ts';
import { receiverAuthentication } from './authentication.ts';
import { setErrorBody } from './errors.ts';
import { readPollRequest, requireJsonPost } from './poll-request.ts';

const unsigned = 'This server signs no tokens, so it sends no security events. The operator sets ENCRYPTION_KEYS.';

const tooMany = 'Too many polls are waiting. Try again later, or set returnImmediately.';

/**
 * Returns the route at which receivers poll. Service clients with the scope `events` may.
 *
 * A poll that finds nothing waits. Its answer is then a stream that ends with the wait: the request itself is over, and
 * takes no place among the running ones.
 */
export function pollRoute(path: string, options: AppOptions, waiting: WaitingPolls): Route {
  const { database, config, now: clock = () => new Date(), signingKeys = null, report } = options;
  const requireReceiver = receiverAuthentication(database, clock);

  function pollNow(transmitter: Transmitter, asked: Poll): Promise<Polled> {
    return poll(transmitter, database, asked, { now: clock(), retentionMs: config.auditRetentionMs });
  }

  /** Polls when there is news, until there are tokens or the wait is over. Failures end it: the next poll tells them. */
  async function pollLater(transmitter: Transmitter, asked: Poll, wait: Wait): Promise<Polled> {
    try {
      for (;;) {
        const polled = await pollNow(transmitter, asked);
        if (hasAnswer(polled) || !(await wait.next())) return polled;
      }
    } catch (error) {
      (isUnavailable(error) ? options.reportUnavailable : report)?.(error);
      return { tokens: [], moreAvailable: false };
    } finally {
      wait.end();
    }
  }

  /** Tells the operator that a receiver rejects tokens. They are not sent again. */
  function noteErrors({ name }: Service, errors: ReadonlyMap<string, string>): void {
    const [first] = errors.values();
    if (first === undefined) return;
    const problem = `The service client ${name} rejected security events: ${errors.size}, the first with "${first}".`;
    report(new OperatorNotice('warning', `${problem} They are not sent again.`));
  }

  return {
    path,
    readsBody: true,
    refusalBody: setErrorBody,
    async answer(incoming) {
      requireJsonPost(incoming);
      if (signingKeys === null) throw new Refusal(404, unsigned);
      const { service, clientId } = await requireReceiver(incoming.headers);
      const { maxEvents, returnImmediately, ack, setErrs } = await readPollRequest(incoming);
      const transmitter = { signingKeys, subjectOf: (userId: bigint) => toNodeId('User', userId) };
      const limit = maxEvents ?? maxEventsAtOnce;
      const acknowledged = [...ack, ...setErrs.keys()];
      const polled = await pollNow(transmitter, { clientId, acknowledged, maxEvents: limit });
      noteErrors(service, setErrs);
      if (limit === 0 || returnImmediately || hasAnswer(polled)) return answerOf(toJson(polled));
      const wait = await waiting.begin(clientId);
      if (wait === null) throw new Refusal(503, tooMany, { 'retry-after': '5' });
      // The log is followed from now on, so that nothing is missed between the two polls.
      return answerOf(streamOf(pollLater(transmitter, { clientId, acknowledged: [], maxEvents: limit }, wait), wait));
    },
  };
}

function hasAnswer({ tokens, moreAvailable }: Polled): boolean {
  return tokens.length > 0 || moreAvailable;
}

function answerOf(body: Outgoing['body']): Outgoing {
  return { status: 200, headers: { 'content-type': 'application/json' }, body };
}

/** Returns the answer to a poll (RFC 8936 section 2.3). */
function toJson({ tokens, moreAvailable }: Polled): string {
  return JSON.stringify({ sets: Object.fromEntries(tokens), moreAvailable });
}

/** Returns the answer to a poll that waits. A client that disconnects ends the wait. */
function streamOf(polling: Promise<Polled>, wait: Wait): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode(toJson(await polling)));
      controller.close();
    },
    cancel: () => wait.end(),
  });
}
