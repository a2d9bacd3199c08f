import type { Config } from '../../../config/config.ts';
import type { Database } from '../../../database/database.ts';
import { FactorNotFoundError } from '../../../errors.ts';
import { isOnlyFactor } from '../../../factors/passkeys/answer.ts';
import { authenticationOptions } from '../../../factors/passkeys/authentication.ts';
import {
  passkeyLifetimeMs as lifetimeMs,
  listPasskeys,
  webAuthnChallengeOf,
} from '../../../factors/passkeys/passkey.ts';
import type { UserScope } from '../../../scope.ts';
import { hashToken } from '../../../tokens/token.ts';
import type { PasskeyChallenge } from './registration.ts';
import { startForUser } from './started.ts';

const purpose = 'REAUTHENTICATION';

/**
 * Starts a new proof of the signed-in user by a passkey.
 *
 * @throws FactorNotFoundError if the user has none.
 */
export async function startPasskeyReauthentication(
  database: Database,
  scope: UserScope,
  policies: Pick<Config, 'passkeys'>,
): Promise<PasskeyChallenge> {
  const { user } = scope.session;
  const passkeys = await listPasskeys(database, user.id);
  if (passkeys.length === 0) throw new FactorNotFoundError();
  const { transport } = scope.presentedToken;
  const of = { purpose, userId: user.id, lifetimeMs, data: null, transport } as const;
  const created = await startForUser(database, scope, of);
  const challenge = webAuthnChallengeOf(hashToken(created.challenge));
  const requested = { challenge, passkeys, requiresVerification: isOnlyFactor(user, purpose) };
  return { ...created, options: await authenticationOptions(requested, policies.passkeys) };
}
