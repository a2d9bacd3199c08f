import { createForwarder, createVerifier, nextAuth, nextForwarder } from 'graphql-sessions/verify';
import { cookies, headers } from 'next/headers';

const server = {
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  // `__Host-session` if browsers use this application over https, but it reaches the server over http.
  ...(process.env.AUTH_COOKIE && { cookieName: process.env.AUTH_COOKIE }),
};
const options = {
  ...server,
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
};

/** Tell whose request this is. The first request creates the verifier: `next build` knows no secret. */
export const { auth, withAuth } = nextAuth(() => createVerifier(options), headers, cookies);

const forwarder = createForwarder(server);

/** Send GraphQL operations in the session of the browser. */
export const { query, mutate } = nextForwarder(forwarder, { headers, cookies });
