import type { Db } from '../database/database.ts';
import { hasPasskey } from './passkeys/passkey.ts';
import { countRecoveryCodes } from './recovery-codes.ts';

/** The methods that a user adds to an account. */
export type EnrolledFactor = 'PASSKEY' | 'TOTP';

/** The methods that a sign-in may ask for after the first one. */
export type SecondFactorMethod = EnrolledFactor | 'RECOVERY_CODE';

/** Returns the second factors that a user has added, the best first. Recovery codes are none: they replace one. */
export async function listEnrolledFactors(db: Db, userId: bigint): Promise<EnrolledFactor[]> {
  const methods: EnrolledFactor[] = (await hasPasskey(db, userId)) ? ['PASSKEY'] : [];
  const app = await db.authenticatorApp.findUnique({ where: { userId }, select: { id: true } });
  return app === null ? methods : [...methods, 'TOTP'];
}

/** Returns the second factors of a user, in the order in which a client should offer them. Empty if there are none. */
export async function listSecondFactors(db: Db, userId: bigint): Promise<SecondFactorMethod[]> {
  const [enrolled, codes] = [await listEnrolledFactors(db, userId), await countRecoveryCodes(db, userId)];
  return codes > 0 ? [...enrolled, 'RECOVERY_CODE'] : enrolled;
}
