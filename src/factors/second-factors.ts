import type { Db } from '../database/database.ts';

/** The methods that a sign-in may ask for after the first one. */
export type SecondFactorMethod = 'TOTP';

/** Returns the second factors of a user, in the order in which a client should offer them. Empty if there are none. */
export async function listSecondFactors(db: Db, userId: bigint): Promise<SecondFactorMethod[]> {
  const app = await db.authenticatorApp.findUnique({ where: { userId }, select: { id: true } });
  return app === null ? [] : ['TOTP'];
}
