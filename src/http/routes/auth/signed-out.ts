import { Refusal } from '../../messages.ts';

/** The sentence for a request without a user. */
export const signedOutMessage = 'You are not signed in. Log in first.';

/** Returns a refusal that tells clients how to authenticate (RFC 9110 section 15.5.2). */
export function unauthenticated(message = signedOutMessage): Refusal {
  return new Refusal(401, message, { 'www-authenticate': 'Bearer realm="graphql-sessions"' });
}
