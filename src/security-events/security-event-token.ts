/**
 * Security event tokens (SETs, RFC 8417) in the profile of the Shared Signals Framework (SSF 1.0 section 4): typed, with
 * one event and a `sub_id` (RFC 9493), and without `sub` and `exp`. They name users and sessions by their ids only.
 */
import type { AuditEvent } from '../generated/sqlite/client.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { type AccountEvent, describeEvent, isSecurityEvent, isSessionEnd, secondsOf } from './event-types.ts';
import { transactionIdOf } from './token-id.ts';

/** The sender of security events: its issuer (`iss`), and the `sub` of its users, as in access tokens. */
export type Issuer = {
  issuer: string;
  /** Returns the global ID of a user. */
  subjectOf(userId: bigint): string;
};

/** The claims about an event: equal for all receivers and attempts. */
export type SecurityEventClaims = { txn: string; toe?: number; sub_id: object; events: Record<string, object> };

/** The header parameter `typ` (RFC 8417 section 2.3). */
const typ = 'secevent+jwt';

/** The media type (RFC 8417 section 7.2). */
export const setMediaType = `application/${typ}`;

/** Returns the claims about an event. Null for an event of the log that has no security event. */
export function claimsAbout(event: AuditEvent, { issuer, subjectOf }: Issuer): SecurityEventClaims | null {
  const described = describeEvent(event);
  if (described === null || !isSecurityEvent(event)) return null;
  return {
    txn: transactionIdOf(event),
    toe: secondsOf(event.at),
    sub_id: subjectIdOf(event, issuer, subjectOf(event.userId)),
    events: { [described.type]: described.claims },
  };
}

/** Returns the subject of an event: the user, and the session if it ended. */
function subjectIdOf(event: AccountEvent, iss: string, sub: string): object {
  const user = { format: 'iss_sub', iss, sub };
  if (!isSessionEnd(event) || event.sessionHandle === null) return user;
  return { format: 'complex', user, session: { format: 'opaque', id: event.sessionHandle } };
}

/**
 * Returns the claims that tell a receiver that events up to an id were deleted, after the retention of the log, before it
 * acknowledged them (SSF 1.0 section 8.1.5). The stream goes on after them.
 */
export function claimsAboutLoss(upTo: bigint, receiver: string): SecurityEventClaims {
  const reason =
    'Events were deleted after the retention of the log, before you acknowledged them. Read the state of users and ' +
    'sessions again.';
  return {
    txn: `${upTo}.lost`,
    sub_id: { format: 'opaque', id: receiver },
    events: { 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated': { status: 'enabled', reason } },
  };
}

/** Returns the claims by which a receiver can test its stream (SSF 1.0 section 8.1.4). */
export function claimsAboutTest(event: AuditEvent, stream: string): SecurityEventClaims {
  return {
    txn: transactionIdOf(event),
    toe: secondsOf(event.at),
    sub_id: { format: 'opaque', id: stream },
    events: { 'https://schemas.openid.net/secevent/ssf/event-type/verification': {} },
  };
}

/**
 * Signs the token for a receiver. Another attempt signs another token, with the same `jti`: a key is published for some
 * minutes after its last signature, so that a token that was stored could not be verified any more.
 *
 * @param receiver - `aud` identifies the receiver, and `jti` the token of this receiver
 * @throws an error that means 503 if the keys cannot be read
 */
export function signSecurityEvent(
  signingKeys: SigningKeys,
  claims: SecurityEventClaims,
  { aud, jti }: { aud: string; jti: string },
): Promise<string> {
  return signingKeys.sign({ aud, jti, ...claims }, { typ });
}
