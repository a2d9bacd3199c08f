import { Environment, type FetchFunction, type GraphQLResponse, Network, RecordSource, Store } from 'relay-runtime';
import type { TokenStore } from './tokens.ts';

/** The environment of one user after another. Components get `relay` from their provider. */
export class Account {
  relay: Environment;
  /** Is called when `relay` is another environment, so that the user interface takes it. */
  onReset: () => void = () => {};
  readonly store: TokenStore;
  readonly #url: string;

  constructor(url: string, store: TokenStore) {
    this.#url = url;
    this.store = store;
    this.relay = this.create();
  }

  /** Creates an environment with an empty store. A login is the first operation of its user. */
  create(): Environment {
    return new Environment({ network: Network.create(this.#fetch), store: new Store(new RecordSource()) });
  }

  /** Takes another environment, after the tokens have changed: `onReset` sends queries with them. */
  reset(relay = this.create()): void {
    this.relay = relay;
    this.onReset();
  }

  #fetch: FetchFunction = async ({ text }, variables) => {
    const { session, device } = this.store.read();
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json',
        'content-type': 'application/json',
        ...(session && { authorization: `Bearer ${session}` }),
        ...(device && { 'x-device-token': device }),
      },
      body: JSON.stringify({ query: text, variables }),
    });
    const answer: Answer = await response.json();
    // A login may have replaced the token while the request was on its way.
    if (session && this.store.read().session === session && isSessionOver(answer)) {
      this.store.write({ session: null, device });
      this.reset();
    }
    // The whole request failed, so that the store keeps its data. A field that fails on its own has the status 200.
    if (!response.ok) throw new Error(answer.errors?.[0]?.message ?? 'This did not work.');
    return answer as GraphQLResponse;
  };
}

type Answer = { data?: { viewer?: unknown } | null; errors?: { message: string; extensions?: { code?: string } }[] };

/**
 * Returns whether nobody is signed in. An ended session is no error: the viewer is null. With errors, null says nothing:
 * the database may be down.
 */
function isSessionOver({ data, errors }: Answer): boolean {
  if (errors?.length) return errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
  return data?.viewer === null;
}
