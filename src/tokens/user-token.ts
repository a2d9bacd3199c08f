import type { Db } from '../database/database.ts';
import { insert } from '../database/raw-sql.ts';
import { TokenInvalidError } from '../errors.ts';
import type { Prisma } from '../generated/sqlite/client.ts';
import { createToken, equalSecrets, handleOf, hashToken } from './token.ts';

/**
 * What a token is good for. `KNOWN_DEVICE` stays with a trusted device; all others are links, and work once. The stored
 * name stays as it is: rows of older versions have it, and nodes of the previous version read it during a rollout.
 */
export type TokenPurpose = 'VERIFY_EMAIL' | 'RESET_PASSWORD' | 'CHANGE_EMAIL' | 'SIGN_UP' | 'KNOWN_DEVICE';

export type UserToken = Prisma.UserTokenGetPayload<{ include: { user: true } }>;

export type NewUserToken = {
  purpose: TokenPurpose;
  userId: number | null;
  /** The address that it is mailed to. Null for what is not mailed. */
  sentTo: string | null;
  /** What is done when it is used, as JSON. Null where the purpose says it all. */
  data: string | null;
  expiresAt: Date;
};

/** Makes a token of 256 random bits and returns its secret, which is given once and never stored. */
export async function createUserToken(db: Db, token: NewUserToken): Promise<string> {
  const { token: secret, handle, hashedToken } = createToken();
  await insert(db, 'UserToken', { ...token, handle, hashedToken, createdAt: new Date() });
  return secret;
}

/** The token with this secret, if it is good for that by now, or null. It can still be used then. */
export async function findUserToken(
  db: Db,
  purpose: TokenPurpose,
  secret: string,
  now: Date,
): Promise<UserToken | null> {
  const handle = handleOf(secret);
  if (handle === null) return null;
  const token = await db.userToken.findUnique({ where: { handle }, include: { user: true } });
  if (token?.purpose !== purpose || token.expiresAt <= now) return null;
  return equalSecrets(hashToken(secret), token.hashedToken) ? token : null;
}

/**
 * Uses a token up and returns it. Of several who use it at once, one does.
 *
 * @throws TokenInvalidError in the same way for one that is unknown, used, expired, replaced, or for something else.
 */
export async function redeemUserToken(db: Db, purpose: TokenPurpose, secret: string, now: Date): Promise<UserToken> {
  const token = await findUserToken(db, purpose, secret, now);
  if (!token) throw new TokenInvalidError();
  const { count } = await db.userToken.deleteMany({ where: { id: token.id } });
  if (count === 0) throw new TokenInvalidError();
  return token;
}

/** Makes the tokens of a user for these purposes worthless. */
export async function voidUserTokens(db: Db, userId: number, purposes: TokenPurpose[]): Promise<void> {
  await db.userToken.deleteMany({ where: { userId, purpose: { in: purposes } } });
}
