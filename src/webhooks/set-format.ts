/** The format of security event tokens that are pushed (RFC 8935). */
import { parseObject } from '../json.ts';
import {
  claimsAbout,
  claimsAboutTest,
  type SecurityEventClaims,
  setMediaType,
  signSecurityEvent,
} from '../security-events/security-event-token.ts';
import type { AnsweredError, WebhookFormat } from './formats.ts';
import { isTestOf } from './webhook.ts';

/**
 * The errors of RFC 8935 section 2.4, and whether they are final. The others may be of a receiver that is not set up
 * yet, or that has an old JWK Set. A final one would hold up the later events of the same user.
 */
const errors: Record<string, { isFinal: boolean }> = {
  invalid_request: { isFinal: true },
  invalid_key: { isFinal: false },
  invalid_issuer: { isFinal: true },
  invalid_audience: { isFinal: true },
  authentication_failed: { isFinal: false },
  access_denied: { isFinal: false },
};

/**
 * Each message is one token for the URL of the webhook. It is signed when it is sent, because its key is published for
 * some minutes after its last signature. The secret of the webhook authenticates the server as a bearer token.
 */
export const set: WebhookFormat = {
  payloadOf(event, { webhook, toGlobalId, issuer }) {
    const claims = isTestOf(webhook, event)
      ? claimsAboutTest(event, toGlobalId('Webhook', webhook.id))
      : claimsAbout(event, { issuer, subjectOf: (userId) => toGlobalId('User', userId) });
    return claims && JSON.stringify(claims);
  },
  async sign({ messageId, payload }, { webhook, secrets, signingKeys }) {
    if (signingKeys === null) throw new Error('The server has encryption keys, but no signing keys.');
    // It was written above.
    const claims = JSON.parse(payload) as SecurityEventClaims;
    const body = await signSecurityEvent(signingKeys, claims, { aud: webhook.url, jti: messageId });
    const [secret] = secrets;
    const headers = { 'content-type': setMediaType, accept: 'application/json', authorization: `Bearer ${secret}` };
    return { headers, body, errorOf };
  },
};

/** Returns the error that a receiver answers (RFC 8935 section 2.3). Null for another body. */
function errorOf(answer: string): AnsweredError | null {
  const code = parseObject(answer)?.err;
  const error = typeof code === 'string' && Object.hasOwn(errors, code) ? errors[code] : undefined;
  return error ? { code: String(code).toUpperCase(), ...error } : null;
}
