/** GraphQL over Server-Sent Events, in the distinct connections mode. */
import type { GraphQLError } from 'graphql';
import type { Receiver } from '../../graphql/context.ts';
import { mayReconnect, type StreamEnd } from '../../streams/end.ts';
import type { Outgoing } from '../messages.ts';
import { eventStream } from './media-type.ts';
import { answerOf, type Results, type SingleResult } from './result.ts';

/** The interval of comments that keep the connection open: shorter than the timeouts of sockets and proxies. */
const heartbeatMs = 12_000;

const heartbeat = Buffer.from(':\n\n');
const completion = 'event: complete\ndata:\n\n';

const headers = {
  'Content-Type': eventStream,
  // Proxies must neither compress a stream nor collect it.
  'Content-Encoding': 'none',
  'X-Accel-Buffering': 'no',
};

/** Returns the answer with a single result. It is complete, so a text is enough. */
export function toEvents(answer: Outgoing & { body: string }): Outgoing {
  const body = `:\n\n${next(answer.body)}${completion}`;
  return { status: answer.status, headers: { ...answer.headers, ...headers }, body };
}

function next(json: string): string {
  return `event: next\ndata: ${json}\n\n`;
}

/** Returns an unexpected error, which was reported and masked already, as the last result. */
function toResult(error: unknown): IteratorResult<SingleResult> {
  return { done: false, value: { errors: [error as GraphQLError] } };
}

/** Takes the messages of a subscription, and sends them as events. */
export class EventReceiver implements Receiver {
  readonly transport = 'sse';
  #end: StreamEnd | null = null;

  readonly onEnd = (end: StreamEnd): void => {
    this.#end = end;
  };

  /**
   * Returns the answer with the results of a subscription. A stream that the client should open again ends without its
   * completion, like a connection that breaks. While the client does not read, nothing is added, not even a heartbeat:
   * the timeout of the socket then ends the connection.
   */
  answer(results: Results): Outgoing {
    const iterator = results[Symbol.asyncIterator]();
    let timer: NodeJS.Timeout | undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        // Some browsers report the answer only when its first byte is there.
        controller.enqueue(heartbeat);
        timer = setInterval(() => {
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(heartbeat);
        }, heartbeatMs).unref();
      },
      pull: async (controller) => {
        const { done, value } = await iterator.next().catch(toResult);
        if (!done) {
          controller.enqueue(Buffer.from(next(answerOf(value, 'application/json').body)));
          return;
        }
        clearInterval(timer);
        if (this.#end === null || !mayReconnect(this.#end)) controller.enqueue(Buffer.from(completion));
        controller.close();
      },
      async cancel() {
        clearInterval(timer);
        await iterator.return?.();
      },
    });
    return { status: 200, headers: { ...headers }, body };
  }
}
