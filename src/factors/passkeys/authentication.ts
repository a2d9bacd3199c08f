import type { PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server';
import type { PasskeyPolicy } from '../../config/accounts/passkeys.ts';
import type { Db } from '../../database/database.ts';
import { type PasskeyProblem, PasskeyRejectedError } from '../../errors.ts';
import type { User } from '../../users/user.ts';
import { loadWebAuthn } from './library.ts';
import { bytesOf, descriptorOf, type Passkey, type PasskeyUse, passkeyLifetimeMs } from './passkey.ts';
import { parseAuthenticationResponse, requireAuthenticatorData, requireClientData } from './response.ts';

export type RequestedAuthentication = {
  /** The WebAuthn challenge, in base64url. */
  challenge: string;
  /** The passkeys of the user. Null if the user is not known yet: the device offers those that it has. */
  passkeys: Passkey[] | null;
  /** Whether the device has to verify its user. If not, it does so if it can. */
  requiresVerification: boolean;
};

/** Returns the options for `navigator.credentials.get`. */
export async function authenticationOptions(
  { challenge, passkeys, requiresVerification }: RequestedAuthentication,
  { rpId }: PasskeyPolicy,
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  const { generateAuthenticationOptions } = await loadWebAuthn();
  return generateAuthenticationOptions({
    rpID: rpId,
    challenge: bytesOf(challenge),
    timeout: passkeyLifetimeMs,
    userVerification: requiresVerification ? 'required' : 'preferred',
    ...(passkeys && { allowCredentials: passkeys.map(descriptorOf) }),
  });
}

export type ExpectedAuthentication = {
  /** The WebAuthn challenge, in base64url. */
  challenge: string;
  /** The user who has to answer. Null if the passkey tells who the user is. */
  userId: bigint | null;
  requiresVerification: boolean;
};

/** The answer of a passkey that was verified. It counts once `recordPasskeyUse` has recorded it. */
export type ProvenPasskey = PasskeyUse & {
  user: User;
  /** `passkey` if the device verified its user, and else `security_key`. */
  method: 'passkey' | 'security_key';
};

/**
 * Verifies the answer of a passkey (WebAuthn Level 3 section 7.2), except for its counter.
 *
 * @param response - an `AuthenticationResponseJSON`
 * @throws PasskeyRejectedError
 */
export async function verifyAuthentication(
  db: Db,
  response: unknown,
  { challenge, userId, requiresVerification }: ExpectedAuthentication,
  policy: PasskeyPolicy,
): Promise<ProvenPasskey> {
  const { id, userHandle, ...parts } = parseAuthenticationResponse(response);
  requireClientData(parts.clientDataJSON, { type: 'webauthn.get', challenge }, policy);
  const data = requireAuthenticatorData(bytesOf(parts.authenticatorData), policy);
  const found = await db.passkey.findUnique({ where: { credentialId: id }, include: { user: true } });
  if (found === null) throw new PasskeyRejectedError('UNKNOWN_CREDENTIAL');
  const { user, ...passkey } = found;
  const reject = (reason: PasskeyProblem) => new PasskeyRejectedError(reason, user.id);
  if (userId !== null && userId !== user.id) throw reject('FOREIGN_CREDENTIAL');
  if (userHandle !== null && userHandle !== passkey.userHandle) throw reject('FOREIGN_CREDENTIAL');
  // Without it, the answer does not say that the passkey is for this account (WebAuthn Level 3 section 7.2, step 6).
  if (userId === null && userHandle === null) throw reject('MALFORMED');
  if (!data.isPresent) throw reject('USER_NOT_PRESENT');
  if (!data.isVerified && requiresVerification) throw reject('USER_NOT_VERIFIED');
  const { verifyAuthenticationResponse } = await loadWebAuthn();
  const result = await verifyAuthenticationResponse({
    response: {
      id,
      rawId: id,
      type: 'public-key',
      clientExtensionResults: {},
      response: { ...parts, ...(userHandle !== null && { userHandle }) },
    },
    expectedChallenge: challenge,
    expectedOrigin: [...policy.origins],
    expectedTopOrigin: [...policy.origins],
    expectedRPID: policy.rpId,
    requireUserVerification: requiresVerification,
    // Any counter passes here: `recordPasskeyUse` compares it, once it is known to be signed.
    credential: { id, publicKey: bytesOf(passkey.publicKey), counter: 0 },
  }).catch(() => {
    throw reject('MALFORMED');
  });
  if (!result.verified) throw reject('INVALID_SIGNATURE');
  const { credentialBackedUp: isBackedUp } = result.authenticationInfo;
  return { passkey, user, counter: data.counter, isBackedUp, method: data.isVerified ? 'passkey' : 'security_key' };
}
