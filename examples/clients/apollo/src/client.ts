import { ApolloClient, ApolloLink, HttpLink } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { tap } from 'rxjs';
import { createCache } from './cache.ts';
import type { TokenStore } from './tokens.ts';

/** Creates a client that sends the bearer token of the store, and forgets the user when the session is over. */
export function createClient(uri: string, store: TokenStore): ApolloClient {
  const credentials = new SetContextLink(({ headers }) => {
    const { session, device } = store.read();
    return {
      headers: {
        ...headers,
        ...(session && { authorization: `Bearer ${session}` }),
        ...(device && { 'x-device-token': device }),
      },
    };
  });
  const watch = new ApolloLink((operation, forward) => {
    const { session, device } = store.read();
    return forward(operation).pipe(
      tap((result) => {
        // A login may have replaced the token while the request was on its way.
        if (!session || store.read().session !== session || !isSessionOver(result)) return;
        store.write({ session: null, device });
        // Not clearStore, which would reject the query that is just answered.
        void client.cache.reset();
      }),
    );
  });
  const client = new ApolloClient({
    link: ApolloLink.from([watch, credentials, new HttpLink({ uri })]),
    cache: createCache(),
  });
  return client;
}

/**
 * Returns whether nobody is signed in. An ended session is no error: the viewer is null. With errors, null says nothing:
 * the database may be down.
 */
export function isSessionOver({ data, errors }: ApolloLink.Result): boolean {
  if (errors?.length) return errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
  return data?.viewer === null;
}
