import type { Config } from '../../config/config.ts';
import type { Db } from '../../database/database.ts';
import { authenticationOptions } from '../../factors/passkeys/authentication.ts';
import { listPasskeys, webAuthnChallengeOf } from '../../factors/passkeys/passkey.ts';
import { hashToken } from '../../tokens/token.ts';
import type { PendingSignIn } from './pending.ts';

/** Returns the options for a passkey as the second factor of a sign-in. Null if the user has none. */
export async function passkeyOptionsOf(
  db: Db,
  { user, challenge: secret }: PendingSignIn,
  { passkeys: policy }: Pick<Config, 'passkeys'>,
): Promise<object | null> {
  const passkeys = await listPasskeys(db, user.id);
  if (passkeys.length === 0) return null;
  const challenge = webAuthnChallengeOf(hashToken(secret));
  return authenticationOptions({ challenge, passkeys, requiresVerification: false }, policy);
}
