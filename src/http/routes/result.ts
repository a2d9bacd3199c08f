import { type FetchAPI, processRegularResult } from 'graphql-yoga';
import type { Outgoing } from '../messages.ts';

export type Result = Parameters<typeof processRegularResult>[0];

/** The results of a subscription. */
export type Results = Extract<Result, AsyncIterable<unknown>>;

/** A result of an operation, or of one message of a subscription. */
export type SingleResult = Results extends AsyncIterable<infer One> ? One : never;

/** Returns whether a result is that of a subscription. */
export function isStream(result: Result): result is Results {
  return Symbol.asyncIterator in result;
}

/** Replaces `Response` where Yoga makes one, and has the form of an answer. */
class PlainResponse implements Outgoing {
  readonly body: string;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(body: string, { status, headers }: { status: number; headers: Record<string, string> }) {
    this.body = body;
    this.status = status;
    this.headers = headers;
  }
}

/** The part of the Fetch API with which Yoga makes an answer. It uses no other. */
const plainResponses = { Response: PlainResponse } as unknown as FetchAPI;

/** Returns the answer that Yoga makes of a result. */
export function answerOf(result: Result, mediaType: string): Outgoing & { body: string } {
  // It is made by the class above.
  return processRegularResult(result, plainResponses, mediaType) as unknown as PlainResponse;
}
