import type { Client, Data } from './api.ts';

/** A client of GraphQL over Server-Sent Events. */
export type EventSource = {
  status: number;
  headers: Headers;
  /** Returns the next message. Null after the completion. Undefined if the connection ended without one. */
  next(): Promise<Data | null | undefined>;
  /** Returns the messages up to the end, and how it ended. */
  rest(): Promise<{ messages: Data[]; isComplete: boolean }>;
  /** Leaves, as a client that closes its connection does. */
  leave(): Promise<void>;
};

export type Subscription = {
  query: string;
  variables?: object;
  operationName?: string;
  headers?: Record<string, string>;
};

/** Subscribes by a POST, with the credentials of a client. */
export async function subscribe(
  client: Client,
  { query, variables = {}, operationName, headers = {} }: Subscription,
): Promise<EventSource> {
  return readEvents(
    await client.request({
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
      body: JSON.stringify({ query, variables, operationName }),
    }),
  );
}

/** Reads the answer to a subscription. */
export function readEvents(response: Response): EventSource {
  const events = parse(response.body ?? new ReadableStream());
  const next = async () => {
    const { done, value } = await events.next();
    if (done) return undefined;
    return value.event === 'complete' ? null : JSON.parse(value.data);
  };
  return {
    status: response.status,
    headers: response.headers,
    next,
    async rest() {
      const messages: Data[] = [];
      for (;;) {
        const message = await next();
        if (message == null) return { messages, isComplete: message === null };
        messages.push(message);
      }
    },
    async leave() {
      await events.return(undefined);
    },
  };
}

type ServerSentEvent = { event: string; data: string };

async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, undefined> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
      if (fields.event !== undefined) yield { event: fields.event, data: fields.data ?? '' };
    }
  }
}
