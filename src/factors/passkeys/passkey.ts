/** Passkeys: key pairs on the devices of users, whose public keys are stored here (WebAuthn Level 3). */
import { hash } from 'node:crypto';
import type { PasskeyPolicy } from '../../config/accounts/passkeys.ts';
import type { Db } from '../../database/database.ts';
import { PasskeyExistsError, PasskeyLimitError, PasskeyRejectedError } from '../../errors.ts';
import type { Passkey, User } from '../../generated/sqlite/client.ts';
import { isTaken } from '../../users/user.ts';

export type { Passkey };

/** The maximum number of passkeys of an account. */
export const maxPasskeys = 20;

/** The time for an answer of a passkey, in milliseconds. */
export const passkeyLifetimeMs = 5 * 60_000;

/** Decodes base64url. */
export function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64url, 'base64url'));
}

/** Encodes bytes in base64url. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/** Returns a passkey as a browser knows it: by its id, and with the transports that it has told. */
export function descriptorOf({ credentialId: id, transports }: Passkey): { id: string; transports: string[] } {
  return { id, transports: transports?.split(' ') ?? [] };
}

/** Returns the passkeys of a user, in the order of their creation. */
export function listPasskeys(db: Db, userId: bigint): Promise<Passkey[]> {
  return db.passkey.findMany({ where: { userId }, orderBy: { id: 'asc' } });
}

/** Returns whether a user has a passkey. */
export async function hasPasskey(db: Db, userId: bigint): Promise<boolean> {
  return (await db.passkey.findFirst({ where: { userId }, select: { id: true } })) !== null;
}

/**
 * Returns the WebAuthn challenge that belongs to a challenge of this server: the hash of its secret, in base64url. So an
 * answer fits one challenge only, and nothing else has to be stored.
 *
 * @param hashedToken - the SHA-256 of the secret, in hex
 */
export function webAuthnChallengeOf(hashedToken: string): string {
  return Buffer.from(hashedToken, 'hex').toString('base64url');
}

/**
 * Returns the user handle, under which a device stores the passkeys of an account (WebAuthn Level 3 section 5.4.3): that
 * of the other passkeys, or one that is derived from the id and the creation of the account. It tells nothing about the
 * person, and another account never has it.
 */
export function userHandleOf({ id, createdAt }: User, [passkey]: Passkey[], { rpId }: PasskeyPolicy): string {
  return passkey?.userHandle ?? hash('sha256', `passkeys of ${id} ${createdAt.getTime()} ${rpId}`, 'base64url');
}

/** A passkey to store. */
export type NewPasskey = Omit<Passkey, 'id' | 'createdAt' | 'lastUsedAt'>;

/**
 * Stores a passkey of a user, whose row the transaction has locked.
 *
 * @throws PasskeyExistsError if it is stored already, also for another user.
 * @throws PasskeyLimitError
 */
export async function savePasskey(db: Db, passkey: NewPasskey, now: Date): Promise<Passkey> {
  const { userId, credentialId } = passkey;
  if ((await db.passkey.count({ where: { userId } })) >= maxPasskeys) throw new PasskeyLimitError();
  if ((await db.passkey.findUnique({ where: { credentialId } })) !== null) throw new PasskeyExistsError();
  try {
    return await db.passkey.create({ data: { ...passkey, createdAt: now } });
  } catch (error) {
    throw isTaken(error) ? new PasskeyExistsError() : error;
  }
}

/** The use of a passkey that was verified. */
export type PasskeyUse = { passkey: Passkey; counter: bigint; isBackedUp: boolean };

/**
 * Records the use of a passkey, in the transaction that it opens. The signature counter must have grown since the last
 * use, unless the authenticator has none: otherwise there may be two of it (WebAuthn Level 3 section 6.1.1).
 *
 * @throws PasskeyRejectedError if it has not grown, and if the passkey was deleted meanwhile.
 */
export async function recordPasskeyUse(db: Db, { passkey, counter, isBackedUp }: PasskeyUse, now: Date): Promise<void> {
  const { id, userId } = passkey;
  const hasGrown = [{ counter: { lt: counter } }, ...(counter === 0n ? [{ counter }] : [])];
  const { count } = await db.passkey.updateMany({
    where: { id, OR: hasGrown },
    data: { counter, isBackedUp, lastUsedAt: now },
  });
  if (count === 1) return;
  const isStored = (await db.passkey.findUnique({ where: { id }, select: { id: true } })) !== null;
  throw new PasskeyRejectedError(isStored ? 'COUNTER' : 'UNKNOWN_CREDENTIAL', userId);
}
