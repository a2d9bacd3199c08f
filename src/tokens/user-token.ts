import type { Db } from '../database/database.ts';
import { insert } from '../database/raw-sql.ts';
import { TokenInvalidError } from '../errors.ts';
import type { Prisma } from '../generated/sqlite/client.ts';
import { createToken, equalSecrets, handleOf, hashToken, type NewToken } from './token.ts';

/**
 * The purposes of tokens. `KNOWN_DEVICE` is the token of a trusted device; all others are links, and work once. The
 * stored name stays as it is: existing rows have it, and nodes of the previous version read it during a rollout.
 */
export type TokenPurpose =
  | 'VERIFY_EMAIL'
  | 'RESET_PASSWORD'
  | 'CHANGE_EMAIL'
  | 'UNDO_CHANGE'
  | 'SIGN_UP'
  | 'DISOWN_SESSION'
  | 'EMAIL_SIGN_IN'
  | 'KNOWN_DEVICE';

export type UserToken = Prisma.UserTokenGetPayload<{ include: { user: true } }>;

export type NewUserToken = {
  purpose: TokenPurpose;
  userId: bigint | null;
  /** The address that the token is mailed to. Null for a token that is not mailed. */
  sentTo: string | null;
  /** The input of the act that the token is for, as JSON. Null if the purpose suffices. */
  data: string | null;
  createdAt: Date;
  expiresAt: Date;
};

/**
 * Stores a token and returns its secret, which is never stored.
 *
 * @param credential - the secret and the handle, for a caller that needs the handle before. By default a new one
 */
export async function createUserToken(
  db: Db,
  token: NewUserToken,
  { token: secret, handle, hashedToken }: NewToken = createToken(),
): Promise<string> {
  await insert(db, 'UserToken', { ...token, handle, hashedToken });
  return secret;
}

/** Returns the token with this secret and purpose if it is valid, or null. Does not use it up. */
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
 * Redeems a token and returns it. Of several requests at once, one succeeds.
 *
 * @throws TokenInvalidError alike for an unknown, used, expired or replaced token, and for one of another purpose.
 */
export async function redeemUserToken(db: Db, purpose: TokenPurpose, secret: string, now: Date): Promise<UserToken> {
  const token = await findUserToken(db, purpose, secret, now);
  if (!token) throw new TokenInvalidError();
  const { count } = await db.userToken.deleteMany({ where: { id: token.id } });
  if (count === 0) throw new TokenInvalidError();
  return token;
}

/** Voids the tokens of a user for these purposes. */
export async function voidUserTokens(db: Db, userId: bigint, purposes: TokenPurpose[]): Promise<void> {
  await db.userToken.deleteMany({ where: { userId, purpose: { in: purposes } } });
}
