import type { PublicKeyCredentialCreationOptionsJSON, VerifyRegistrationResponseOpts } from '@simplewebauthn/server';
import type { PasskeyPolicy } from '../../config/accounts/passkeys.ts';
import { PasskeyRejectedError } from '../../errors.ts';
import type { User } from '../../users/user.ts';
import { authenticatorDataOf, publicKeyOf, withoutAttestation } from './attestation.ts';
import { loadWebAuthn } from './library.ts';
import {
  bytesOf,
  descriptorOf,
  type NewPasskey,
  type Passkey,
  passkeyLifetimeMs,
  textOf,
  userHandleOf,
} from './passkey.ts';
import { requireUsableKey, supportedAlgorithms } from './public-key.ts';
import { parseRegistrationResponse, requireAuthenticatorData, requireClientData } from './response.ts';

/**
 * Returns the options for `navigator.credentials.create`. The passkey is discoverable: its user can sign in without a
 * name. A device that has one of the passkeys makes no second one.
 *
 * @param challenge - the WebAuthn challenge, in base64url
 */
export async function registrationOptions(
  user: User,
  passkeys: Passkey[],
  challenge: string,
  policy: PasskeyPolicy,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  const { generateRegistrationOptions } = await loadWebAuthn();
  return generateRegistrationOptions({
    rpName: policy.rpId,
    rpID: policy.rpId,
    userName: user.email,
    userDisplayName: user.name ?? user.email,
    userID: bytesOf(userHandleOf(user, passkeys, policy)),
    challenge: bytesOf(challenge),
    timeout: passkeyLifetimeMs,
    attestationType: 'none',
    excludeCredentials: passkeys.map(descriptorOf),
    authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
    supportedAlgorithmIDs: supportedAlgorithms,
  });
}

export type ExpectedRegistration = {
  /** The WebAuthn challenge, in base64url. */
  challenge: string;
  /** Whether a browser may have made the passkey by itself, after a login by password, and nobody was asked. */
  isConditional: boolean;
};

/** A new passkey that was verified, without its user. */
export type VerifiedRegistration = {
  passkey: Omit<NewPasskey, 'userId' | 'userHandle' | 'name'>;
  /** Whether the device verified its user when it made the passkey. */
  isVerified: boolean;
};

/**
 * Verifies a new passkey (WebAuthn Level 3 section 7.1). Its attestation is dropped unread: this server asks for none.
 *
 * @param response - a `RegistrationResponseJSON`
 * @throws PasskeyRejectedError
 */
export async function verifyRegistration(
  response: unknown,
  { challenge, isConditional }: ExpectedRegistration,
  policy: PasskeyPolicy,
): Promise<VerifiedRegistration> {
  const { id, clientDataJSON, attestationObject, transports } = parseRegistrationResponse(response);
  requireClientData(clientDataJSON, { type: 'webauthn.create', challenge }, policy);
  const data = await authenticatorDataOf(attestationObject);
  const { isPresent, isVerified, counter } = requireAuthenticatorData(data, policy);
  if (!isPresent && !isConditional) throw new PasskeyRejectedError('USER_NOT_PRESENT');
  await requireUsableKey(await publicKeyOf(data));
  const info = await verifyByLibrary({
    response: {
      id,
      rawId: id,
      type: 'public-key',
      clientExtensionResults: {},
      response: { clientDataJSON, attestationObject: textOf(withoutAttestation(data)) },
    },
    expectedChallenge: challenge,
    expectedOrigin: [...policy.origins],
    expectedRPID: policy.rpId,
    requireUserPresence: !isConditional,
    requireUserVerification: false,
    supportedAlgorithmIDs: supportedAlgorithms,
  });
  const { credential, aaguid, credentialBackedUp, credentialDeviceType } = info;
  // The library does not compare them. Later answers name the passkey by the id of the client.
  if (credential.id !== id) throw new PasskeyRejectedError('MALFORMED');
  const passkey = {
    credentialId: id,
    publicKey: textOf(credential.publicKey),
    counter,
    transports: transports.join(' ') || null,
    isBackedUp: credentialBackedUp,
    isBackupEligible: credentialDeviceType === 'multiDevice',
    aaguid,
  };
  return { passkey, isVerified };
}

async function verifyByLibrary(options: VerifyRegistrationResponseOpts) {
  const { verifyRegistrationResponse } = await loadWebAuthn();
  const { registrationInfo } = await verifyRegistrationResponse(options).catch(() => ({ registrationInfo: undefined }));
  if (registrationInfo === undefined) throw new PasskeyRejectedError('MALFORMED');
  return registrationInfo;
}
