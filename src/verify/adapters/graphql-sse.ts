import type { Auth, Session } from '../auth.ts';
import { Refusal } from '../errors.ts';
import type { HeaderReader } from '../headers.ts';
import type { CloseReason } from '../sockets/close-reason.ts';
import type { Verifier } from '../verifier.ts';
import { protect } from './protect.ts';
import type { ConnectionOptions } from './web-socket.ts';

/** The properties of a request of graphql-sse that the functions use. */
export type SseRequest = {
  readonly method: string;
  readonly headers: { get(name: string): string | null | undefined };
};

/** An answer of graphql-sse: the body and the head. */
type SseResponse = [body: string, init: { status: number; statusText: string; headers: Record<string, string> }];

/**
 * Returns the options for graphql-sse. `context` has `auth`, which is null without a session. Answers 403 to requests
 * that pages of other sites forge (CSRF), and 503 without a verdict.
 *
 * When its session ends, a subscription gets a last result with an error, whose `extensions.code` is the reason, and
 * completes.
 *
 * @example
 * const handler = createHandler({ schema, ...graphqlSseAuth(verifier) });
 */
export function graphqlSseAuth(
  verifier: Pick<Verifier, 'verify' | 'requireCsrf' | 'closeWith'>,
  { closeWithSession = true }: Pick<ConnectionOptions, 'closeWithSession'> = {},
) {
  const auths = new WeakMap<object, Auth | null>();
  return {
    async onSubscribe(request: SseRequest): Promise<SseResponse | undefined> {
      try {
        const { method } = request;
        auths.set(request, await protect(verifier, { method, headers: readerOfSse(request) }, null));
        return undefined;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return [error.message, { status: error.status, statusText: '', headers: { ...error.headers } }];
      }
    },
    context: (request: SseRequest): { auth: Auth | null } => ({ auth: auths.get(request) ?? null }),
    onOperation<Result>(_: unknown, request: SseRequest, __: unknown, result: Result): Result | undefined {
      const session = auths.get(request)?.session;
      if (session === undefined || !closeWithSession || !isAsyncIterable(result)) return undefined;
      // It yields the same results, and one more.
      return completeWith(verifier, session, result) as Result;
    },
  };
}

function readerOfSse({ headers }: SseRequest): HeaderReader {
  return { get: (name) => headers.get(name) ?? null };
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/**
 * Returns the results of a subscription until a session ends, and then a last one with the reason. It is no generator:
 * `return` of a generator waits for the next result.
 */
function completeWith({ closeWith }: Pick<Verifier, 'closeWith'>, session: Session, source: AsyncIterable<unknown>) {
  const iterator = source[Symbol.asyncIterator]();
  let reason: CloseReason | null = null;
  let isDone = false;
  let wake = () => {};
  const forget = closeWith(session, (given) => {
    reason = given;
    wake();
    return iterator.return?.();
  });
  function finish(): IteratorResult<unknown, undefined> {
    if (isDone || reason === null) return { done: true, value: undefined };
    isDone = true;
    const message = 'The session has ended, or nobody can say whether it has.';
    return { done: false, value: { errors: [{ message, extensions: { code: reason } }] } };
  }
  const results = {
    next: (): Promise<IteratorResult<unknown, undefined>> => {
      if (reason !== null) return Promise.resolve(finish());
      return new Promise((resolve, reject) => {
        wake = () => resolve(finish());
        iterator.next().then((result) => {
          if (result.done) forget();
          resolve(result);
        }, fail);
        // Nobody calls `return` after a failure.
        function fail(error: unknown): void {
          forget();
          reject(error);
        }
      });
    },
    async return(): Promise<IteratorResult<unknown, undefined>> {
      forget();
      isDone = true;
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    async throw(error: unknown): Promise<IteratorResult<unknown, undefined>> {
      await results.return();
      throw error;
    },
    [Symbol.asyncIterator]: () => results,
  };
  return results;
}
