import { hash } from 'node:crypto';
import type { Database, Db } from '../database/database.ts';
import { RateLimitedError } from '../errors.ts';
import { countOnce, requireNotReached } from '../throttle/rate-limit.ts';
import { type TokenPurpose, voidUserTokens } from '../tokens/user-token.ts';

/** A link in a mail: what its token is good for, and for how long from when it is sent. */
export type LinkKind = { purpose: TokenPurpose; lifetimeMs: number };

const hour = 3_600_000;
const day = 24 * hour;

/**
 * The mails there are. Each has templates of the same name. Those with a link get its token when they are sent, so
 * that no secret waits in the outbox.
 */
export const mails = {
  'verify-email': { purpose: 'VERIFY_EMAIL', lifetimeMs: 7 * day },
  'reset-password': { purpose: 'RESET_PASSWORD', lifetimeMs: hour },
  'set-password': { purpose: 'RESET_PASSWORD', lifetimeMs: 7 * day },
  'confirm-email-change': { purpose: 'CHANGE_EMAIL', lifetimeMs: hour },
  'confirm-sign-up': { purpose: 'SIGN_UP', lifetimeMs: day },
  'email-change-requested': null,
  'email-changed': null,
  'email-taken': null,
  'password-changed': null,
  'account-deleted': null,
} as const satisfies Record<string, LinkKind | null>;

export type MailName = keyof typeof mails;

/** Values for a template, beside `appUrl` and, where there is a link, `token`. Never a secret. */
export type MailData = Record<string, string>;

export type NewMail = {
  name: MailName;
  recipient: string;
  /** Whose mail it is: it is not sent any more once their account is gone. Null where there is no account. */
  userId: number | null;
  data?: MailData;
};

/** Puts mail into the outbox, in the transaction that is the reason for it. It is sent by `mail/delivery.ts`. */
export async function enqueueMail(db: Db, mail: NewMail, now: Date): Promise<void> {
  const { name, recipient, userId, data } = mail;
  await db.mail.create({
    data: {
      createdAt: now,
      sendAfter: now,
      template: name,
      recipient,
      userId,
      data: data ? JSON.stringify(data) : null,
    },
  });
}

/** Takes mails of a user back that have not been sent yet. */
export async function withdrawMails(db: Db, userId: number, names: MailName[]): Promise<void> {
  await db.mail.deleteMany({ where: { userId, template: { in: names } } });
}

/**
 * Makes the links of a user for these purposes worthless: those that wait, and those that were sent. Waiting ones first:
 * one that is being sent at the moment holds this up until its token is there to be voided.
 */
export async function voidLinks(db: Db, userId: number, purposes: TokenPurpose[]): Promise<void> {
  const names = Object.entries(mails).flatMap(([name, kind]) =>
    kind !== null && purposes.includes(kind.purpose) ? [name as MailName] : [],
  );
  await withdrawMails(db, userId, names);
  await voidUserTokens(db, userId, purposes);
}

/** Forgets who else asked for an account with an address, where that is private: what waits, and what was sent. */
export async function forgetSignUps(db: Db, email: string): Promise<void> {
  await db.mail.deleteMany({ where: { recipient: email, template: 'confirm-sign-up' } });
  await db.userToken.deleteMany({ where: { sentTo: email, purpose: 'SIGN_UP' } });
}

/** How many links a mailbox gets in an hour, however many ask for them. */
const mailsPerHour = 5;

/** Whether one more link of this kind may be mailed to an address: nobody fills somebody else's mailbox. Counts it. */
export async function mayBeMailed(database: Database, kind: MailName, email: string, now: Date): Promise<boolean> {
  const key = `${kind}:${hash('sha256', email.toLowerCase())}`;
  const limit = { key, points: mailsPerHour, durationMs: hour };
  try {
    await requireNotReached(database, [limit], now);
    await countOnce(database, [limit], now);
    return true;
  } catch (error) {
    if (error instanceof RateLimitedError) return false;
    throw error;
  }
}
