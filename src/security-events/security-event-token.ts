/**
 * Security event tokens (SETs, RFC 8417) in the profile of the Shared Signals Framework (SSF 1.0 section 4): typed, with
 * one event and a `sub_id` (RFC 9493), and without `sub` and `exp`. They name users and sessions by their ids only.
 */
import type { AuditEvent } from '../generated/sqlite/client.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { type AccountEvent, describeEvent, isSecurityEvent, isSessionEnd, secondsOf } from './event-types.ts';
import { lossIdOf, tokenIdOf, transactionIdOf } from './token-id.ts';

/** The sender of security events. */
export type Transmitter = {
  signingKeys: SigningKeys;
  /** Returns the `sub` of a user, as in access tokens: the global ID. */
  subjectOf(userId: bigint): string;
};

/** A signed token, and its id. */
export type SecurityEventToken = { jti: string; token: string };

/** The header parameter `typ` (RFC 8417 section 2.3). */
const typ = 'secevent+jwt';

/** The media type (RFC 8417 section 7.2). */
export const setMediaType = `application/${typ}`;

const streamUpdated = 'https://schemas.openid.net/secevent/ssf/event-type/stream-updated';

/**
 * Signs the token about an event for a receiver. Another attempt signs another token, with the same `jti`: a key is
 * published for some minutes after its last signature, so that a stored token could not be verified any more.
 *
 * @param receiver - identifies the receiver: `aud`
 * @returns null for an event of the log that has no security event
 * @throws an error that means 503 if the keys cannot be read
 */
export async function signSecurityEvent(
  { signingKeys, subjectOf }: Transmitter,
  receiver: string,
  event: AuditEvent,
): Promise<SecurityEventToken | null> {
  const described = describeEvent(event);
  if (described === null || !isSecurityEvent(event)) return null;
  const jti = tokenIdOf(event, receiver);
  const claims = {
    aud: receiver,
    jti,
    txn: transactionIdOf(event),
    toe: secondsOf(event.at),
    sub_id: subjectIdOf(event, signingKeys.issuer, subjectOf(event.userId)),
    events: { [described.type]: described.claims },
  };
  return { jti, token: await signingKeys.sign(claims, { typ }) };
}

/** Returns the subject of an event: the user, and the session if it ended. */
function subjectIdOf(event: AccountEvent, iss: string, sub: string): object {
  const user = { format: 'iss_sub', iss, sub };
  if (!isSessionEnd(event) || event.sessionHandle === null) return user;
  return { format: 'complex', user, session: { format: 'opaque', id: event.sessionHandle } };
}

/**
 * Signs the token that tells a receiver that events up to an id were deleted, after the retention of the log, before it
 * acknowledged them (SSF 1.0 section 8.1.5). The stream goes on after them.
 */
export async function signLoss(
  { signingKeys }: Transmitter,
  receiver: string,
  upTo: bigint,
): Promise<SecurityEventToken> {
  const jti = lossIdOf(upTo, receiver);
  const reason =
    'Events were deleted after the retention of the log, before you acknowledged them. Read the state of users and ' +
    'sessions again.';
  const claims = {
    aud: receiver,
    jti,
    txn: `${upTo}.lost`,
    sub_id: { format: 'opaque', id: receiver },
    events: { [streamUpdated]: { status: 'enabled', reason } },
  };
  return { jti, token: await signingKeys.sign(claims, { typ }) };
}
