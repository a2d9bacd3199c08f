import { randomUUID } from 'node:crypto';
import type { AccessTokenPolicy } from '../config/config.ts';
import { AudienceNotAllowedError } from '../errors.ts';
import type { UserScope } from '../scope.ts';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';
import { claimsOf, toUnixSeconds } from './claims.ts';

export type AccessToken = { token: string; expiresAt: Date };

export type AccessTokenRequest = {
  audience: string;
  /** The global ID of the user, as in `User.id`. */
  subject: string;
};

const off = 'This server issues no access tokens. The operator turns them on with ACCESS_TOKEN_AUDIENCES.';

/**
 * Issues a signed token about the session of a user for one audience (RFC 9068). It cannot be revoked: it is accepted
 * until it expires, which is never after its session does. Reads and writes nothing, so it is not in the event log.
 *
 * @param signingKeys - null on a server that signs nothing
 * @throws AudienceNotAllowedError
 */
export async function issueAccessToken(
  signingKeys: SigningKeys | null,
  { session, now }: UserScope,
  { audience, subject }: AccessTokenRequest,
  { audiences, lifetimeMs }: AccessTokenPolicy,
): Promise<AccessToken> {
  if (signingKeys === null || audiences.size === 0) throw new AudienceNotAllowedError(off);
  if (!audiences.has(audience)) throw new AudienceNotAllowedError();
  const exp = toUnixSeconds(new Date(Math.min(now.getTime() + lifetimeMs, session.expiresAt.getTime())));
  const claims = {
    ...claimsOf(session, subject),
    aud: audience,
    // RFC 9068 section 2.2 requires it. No client is registered: the login of this server is its only one. An origin
    // is never equal to the `sub` of a user (RFC 9700 section 4.15).
    client_id: signingKeys.issuer,
    exp,
    jti: randomUUID(),
  };
  return { token: await signingKeys.sign(claims, { typ: 'at+jwt' }), expiresAt: new Date(exp * 1_000) };
}
