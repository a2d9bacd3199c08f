import type { TokenStore } from './tokens.ts';

/** A GraphQL document, with the types of its data and its variables. */
export type Operation<Data, Variables> = { query: string; types?: (variables: Variables) => Data };

/** A request that failed. The second table of errors in docs/api.md has the codes. */
export class RequestError extends Error {
  code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Sends an operation, and returns its data. Throws a RequestError. */
export type Send = <Data, Variables>(operation: Operation<Data, Variables>, variables: Variables) => Promise<Data>;

/**
 * Creates a client that sends the bearer token of the store.
 *
 * @param onSessionOver - is called when the server no longer accepts the token. The token is deleted by then
 */
export function createClient(url: string, store: TokenStore, onSessionOver: () => void): Send {
  return async ({ query }, variables) => {
    const { session, device } = store.read();
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json',
        'content-type': 'application/json',
        ...(session && { authorization: `Bearer ${session}` }),
        ...(device && { 'x-device-token': device }),
      },
      body: JSON.stringify({ query, variables }),
    });
    // A proxy in front of the server may answer with a page.
    const body = await response.json().catch(() => null);
    if (body === null) throw new RequestError('UNAVAILABLE', `The server cannot be reached (${response.status}).`);
    const { data, errors } = body;
    const code = errors?.[0]?.extensions?.code;
    // An ended session is no error: the viewer is null. With errors, null says nothing: the database may be down.
    // Fields that need a user fail with UNAUTHENTICATED.
    const isOver = errors ? code === 'UNAUTHENTICATED' : data?.viewer === null;
    // A login may have replaced the token while the request was on its way.
    if (isOver && session && store.read().session === session) {
      store.write({ session: null, device });
      onSessionOver();
    }
    if (errors) throw new RequestError(code ?? 'UNKNOWN', errors[0].message);
    return data;
  };
}
