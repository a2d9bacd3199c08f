import type { Db } from '../../database/database.ts';
import { enqueueMail, type MailData } from '../../mail/outbox.ts';
import { formatTime } from '../../mail/time.ts';
import type { AccountChange, FactorChangeType } from '../../users/account-changes.ts';
import type { User } from '../../users/user.ts';
import { listPasskeys } from '../passkeys/passkey.ts';
import { countRecoveryCodes } from '../recovery-codes.ts';

/** The kinds of factors, as events and mails name them. */
export type FactorKind = 'TOTP' | 'PASSKEY' | 'RECOVERY_CODES';

/** A change of a factor, as its event records it. */
export type FactorChange = {
  type: FactorChangeType;
  /** Null for the need of a second factor, which concerns all of them. */
  kind: FactorKind | null;
};

/** The sections of the template, each for one type of change or one kind of factor. */
const sections = {
  FACTOR_ADDED: 'isAdded',
  FACTOR_REPLACED: 'isReplaced',
  FACTOR_REMOVED: 'isRemoved',
  SECOND_FACTOR_TURNED_ON: 'isTurnedOn',
  SECOND_FACTOR_TURNED_OFF: 'isTurnedOff',
  TOTP: 'isApp',
  PASSKEY: 'isPasskey',
  RECOVERY_CODES: 'isRecoveryCodes',
} as const satisfies Record<FactorKind | FactorChangeType, string>;

/** Mails a user that a factor was added, replaced or removed, with a link to undo the change if it is kept. */
export async function mailFactorChange(
  db: Db,
  { id, email }: User,
  { type, kind, kept }: FactorChange & { kept: AccountChange | null },
  now: Date,
): Promise<void> {
  const data: MailData = {
    [sections[type]]: 'yes',
    ...(kind !== null && { [sections[kind]]: 'yes' }),
    ...undoing(kept),
  };
  await enqueueMail(db, { name: 'factors-changed', recipient: email, userId: id, data }, now);
}

/**
 * Returns the values of a mail that names the factors of a user. The owner finds one of a thief by the time of its
 * addition. Not by the names of passkeys: those may be texts of the thief, in a mail under the name of the operator.
 */
export async function factorValues(db: Db, { id: userId }: User): Promise<MailData> {
  const passkeys = await listPasskeys(db, userId);
  const app = await db.authenticatorApp.findUnique({ where: { userId }, select: { createdAt: true } });
  const codes = await countRecoveryCodes(db, userId);
  if (passkeys.length === 0 && app === null && codes === 0) return {};
  return {
    hasFactors: 'yes',
    ...(passkeys.length > 0 && {
      passkeys: String(passkeys.length),
      passkeyTimes: passkeys.map(({ createdAt }) => formatTime(createdAt)).join(', '),
    }),
    ...(app !== null && { appTime: formatTime(app.createdAt) }),
    ...(codes > 0 && { recoveryCodes: String(codes) }),
  };
}

/** Returns the value of a mail by which its link undoes a change. None if the change is not kept. */
export function undoing(change: AccountChange | null): MailData {
  return change === null ? {} : { change: String(change.id) };
}
