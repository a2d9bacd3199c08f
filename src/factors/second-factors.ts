import type { Db } from '../database/database.ts';
import { hasPasskey } from './passkeys/passkey.ts';

/** The methods that a sign-in may ask for after the first one. */
export type SecondFactorMethod = 'PASSKEY' | 'TOTP';

/** Returns the second factors of a user, in the order in which a client should offer them. Empty if there are none. */
export async function listSecondFactors(db: Db, userId: bigint): Promise<SecondFactorMethod[]> {
  const methods: SecondFactorMethod[] = (await hasPasskey(db, userId)) ? ['PASSKEY'] : [];
  const app = await db.authenticatorApp.findUnique({ where: { userId }, select: { id: true } });
  return app === null ? methods : [...methods, 'TOTP'];
}
