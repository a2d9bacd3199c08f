import { ApolloClient, ApolloLink, HttpLink } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { tap } from 'rxjs';
import { createCache } from './cache.ts';
import { isSessionOver } from './client.ts';
import { antiCSRFTokenQuery } from './operations.ts';
import type { Payload, SignIn } from './sessions.ts';

/** A client for a page: the browser sends the session cookie, and the page the anti-CSRF token. */
export type CookieClient = SignIn & {
  /** Asks for the anti-CSRF token after a reload. Without a session there is none. */
  resume(): Promise<void>;
  /** Deletes the anti-CSRF token. */
  forget(): void;
};

/** Creates a client for a page. */
export function createCookieClient(uri: string): CookieClient {
  // In memory: it is of use only together with the cookie.
  let antiCSRFToken: string | null = null;
  const credentials = new SetContextLink(({ headers }) => ({
    headers: { ...headers, ...(antiCSRFToken && { 'anti-csrf': antiCSRFToken }) },
  }));
  const watch = new ApolloLink((operation, forward) => {
    const sent = antiCSRFToken;
    return forward(operation).pipe(
      tap((result) => {
        // A login may have replaced the token while the request was on its way.
        if (!sent || antiCSRFToken !== sent || !isSessionOver(result)) return;
        antiCSRFToken = null;
        void client.cache.reset();
      }),
    );
  });
  const client = new ApolloClient({
    // `include` is for a server of another origin, which must allow that of the page.
    link: ApolloLink.from([watch, credentials, new HttpLink({ uri, credentials: 'include' })]),
    cache: createCache(),
  });
  return {
    client,
    transport: 'COOKIE',
    keep: (payload: Payload) => {
      antiCSRFToken = payload.antiCSRFToken;
    },
    forget: () => {
      antiCSRFToken = null;
    },
    async resume() {
      const { data } = await client.query({ query: antiCSRFTokenQuery, fetchPolicy: 'no-cache' });
      antiCSRFToken = data?.currentSession?.antiCSRFToken ?? null;
    },
  };
}
