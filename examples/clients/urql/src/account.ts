import { type AnyVariables, Client, type Exchange, fetchExchange, type OperationResult } from '@urql/core';
import { createCache } from './cache.ts';
import type { ConfirmAppResult, SignInResult } from './refusals.ts';

export type Payload =
  | Extract<SignInResult, { __typename: 'SignInPayload' }>
  | Extract<ConfirmAppResult, { __typename: 'FactorPayload' }>;

/** The client of urql for one user after another. Components get `urql` from their provider. */
export abstract class Account {
  urql: Client;
  /** Is called when `urql` is another client, so that the user interface sends its queries again. */
  onReset: () => void = () => {};
  abstract readonly transport: 'BEARER' | 'COOKIE';
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
    this.urql = this.create();
  }

  /** Creates a client with an empty cache: graphcache cannot be emptied. A login is the first operation of its user. */
  create(): Client {
    const credentials: Exchange = (input) => this.credentials()(input);
    return new Client({ url: this.#url, exchanges: [createCache(), credentials, fetchExchange] });
  }

  /** Takes another client, after the tokens have changed: `onReset` sends queries with them. */
  reset(urql = this.create()): void {
    this.urql = urql;
    this.onReset();
  }

  /** Keeps the tokens of a session. */
  abstract keep(payload: Payload): void;

  /** Deletes the tokens of the session. */
  abstract forget(): void;

  /** Sends credentials with operations, and notices the end of the session. */
  protected abstract credentials(): Exchange;
}

/**
 * Returns whether nobody is signed in. An ended session is no error: the viewer is null. With errors, null says nothing:
 * the database may be down.
 */
export function isSessionOver({ data, error }: OperationResult<{ viewer?: unknown }, AnyVariables>): boolean {
  if (error) return error.graphQLErrors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
  return data?.viewer === null;
}
