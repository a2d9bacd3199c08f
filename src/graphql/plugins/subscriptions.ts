/** Executes subscriptions: each message in a context of its own, with its reader as it is then. */
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { RequestError, type RequestErrorCode } from '../../errors.ts';
import type { Scope } from '../../scope.ts';
import type { Delivery } from '../../streams/judge.ts';
import type { Stream } from '../../streams/stream.ts';
import type { Caller, Context } from '../context.ts';
import { Loaders } from '../loaders.ts';
import type { BeforeExecution } from './before-execution.ts';

/** Refuses subscriptions on requests with a single answer, and all else on connections for subscriptions only. */
export const useSubscriptions: Plugin<Context> = {
  onExecute({ args, setResultAndStopExecution }: BeforeExecution) {
    if (args.contextValue.receiver?.transport !== 'websocket') return;
    const message =
      'Only subscriptions go over a WebSocket. Send queries and mutations by POST, each in its own request.';
    setResultAndStopExecution({ errors: [refusal('NOT_A_SUBSCRIPTION', message, 400)] });
  },
  onSubscribe({ args, setResultAndStopExecution, setSubscribeFn }) {
    if (args.contextValue.receiver === null) {
      const message = 'The answer to a subscription is a stream. Send Accept: text/event-stream, or use a WebSocket.';
      setResultAndStopExecution({ errors: [refusal('BAD_USER_INPUT', message, 406)] });
      return;
    }
    setSubscribeFn(subscribe);
  },
};

function refusal(code: RequestErrorCode, message: string, status: number): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status } } });
}

/**
 * Subscribes to the only root field. `subscribe` of GraphQL.js would execute all messages in the context of the request
 * that opened the stream: with its time, its session and its loaders, which keep what they read.
 */
async function subscribe(args: ExecutionArgs): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return source;
  // Every subscription of this schema returns a stream of this server.
  return new Results(source as Stream, args);
}

/** The results of the messages of a stream. */
class Results implements AsyncIterableIterator<ExecutionResult> {
  readonly #source: Stream;
  readonly #args: ExecutionArgs;
  #isDone = false;

  constructor(source: Stream, args: ExecutionArgs) {
    this.#source = source;
    this.#args = args;
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    if (this.#isDone) return { done: true, value: undefined };
    let endTurn = () => {};
    try {
      // Before the stream checks its reader, so that nothing happens between the check and the execution.
      endTurn = await this.#source.turn();
      const { done, value } = await this.#source.next();
      return done ? this.#finish() : { done: false, value: await this.#execute(value) };
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#isDone = true;
      return { done: false, value: { errors: [new GraphQLError(error.message, { originalError: error })] } };
    } finally {
      endTurn();
    }
  }

  #finish(): IteratorResult<ExecutionResult> {
    this.#isDone = true;
    return { done: true, value: undefined };
  }

  #execute({ message, scope }: Delivery): ExecutionResult | Promise<ExecutionResult> {
    const opened: Context = this.#args.contextValue as Context;
    const contextValue = { ...opened, caller: readerOf(scope), loaders: new Loaders(opened.database, scope.now) };
    return execute({ ...this.#args, rootValue: message, contextValue });
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    await this.#source.return();
    return this.#finish();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Returns the caller of a message, who can change nothing. */
function readerOf(scope: Scope): Caller {
  const refuse = () => {
    throw new Error('A subscription cannot change the session of its caller.');
  };
  return {
    scope,
    isCsrfVerified: false,
    antiCSRFToken: null,
    storesCookies: false,
    findVisitor: async () => null,
    signIn: refuse,
    bindDevice: refuse,
    update: refuse,
    rotate: refuse,
    signOut: refuse,
  };
}
