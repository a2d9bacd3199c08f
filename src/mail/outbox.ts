import { hash } from 'node:crypto';
import type { Database, Db } from '../database/database.ts';
import { insert } from '../database/raw-sql.ts';
import { RateLimitedError } from '../errors.ts';
import { countOnce, type RateLimit, requireNotReached } from '../throttle/rate-limit.ts';
import { type TokenPurpose, voidUserTokens } from '../tokens/user-token.ts';
import { undoWindowMs } from '../users/account-changes.ts';
import { accountKeyOf } from '../users/email.ts';

export type LinkKind = {
  /** The purpose of the link's token. */
  purpose: TokenPurpose;
  /** The lifetime from the moment when the mail is sent. */
  lifetimeMs: number;
  /** The names of the values of the mail that its template does not get: the token stores them. */
  data?: readonly string[];
  /** Whether the mail is sent without the link if the link is not possible. */
  isOptional?: true;
  /** Whether the link creates an account. All others lead to the account of the user of the mail. */
  createsAccount?: true;
  /**
   * Whether the mail also has a code. It answers the challenge that the value `challenge` of the mail names by its
   * handle, and the link is valid as long as that challenge.
   */
  hasCode?: true;
};

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A link that undoes a change, for 72 hours from the change on. */
const undoLink = { purpose: 'UNDO_CHANGE', lifetimeMs: undoWindowMs, data: ['change'], isOptional: true } as const;

/** A link and a code to sign in, for ten minutes from the request on. */
const signInLink = { purpose: 'EMAIL_SIGN_IN', lifetimeMs: 10 * minute, data: ['challenge'], hasCode: true } as const;

/**
 * All mails. Each has templates of the same name. A mail with a link gets its token, and its code, when it is sent, so that
 * no secret waits in the outbox.
 */
export const mails = {
  'verify-email': { purpose: 'VERIFY_EMAIL', lifetimeMs: 7 * day },
  'reset-password': { purpose: 'RESET_PASSWORD', lifetimeMs: hour },
  'set-password': { purpose: 'RESET_PASSWORD', lifetimeMs: 7 * day },
  'confirm-email-change': { purpose: 'CHANGE_EMAIL', lifetimeMs: hour },
  'confirm-sign-up': {
    purpose: 'SIGN_UP',
    lifetimeMs: day,
    data: ['hashedPassword', 'name', 'username'],
    createsAccount: true,
  },
  'new-device': { purpose: 'DISOWN_SESSION', lifetimeMs: 7 * day, data: ['sessionHandle', 'deviceHandle'] },
  'sign-in': signInLink,
  'sign-up-by-email': { ...signInLink, createsAccount: true },
  'email-change-requested': null,
  'email-changed': undoLink,
  'email-taken': null,
  'username-changed': null,
  'password-changed': undoLink,
  'factors-changed': undoLink,
  'factors-reset': undoLink,
  // Valid until the reset takes effect.
  'factor-reset-requested': { purpose: 'REFUSE_FACTOR_RESET', lifetimeMs: day, data: ['reset'] },
  'change-undone': { purpose: 'RESET_PASSWORD', lifetimeMs: hour, isOptional: true },
  'address-taken-back': null,
  'account-deleted': null,
  'webhook-disabled': null,
  'failed-logins': null,
  'second-factor-failures': null,
  'recovery-code-used': null,
} as const satisfies Record<string, LinkKind | null>;

export type MailName = keyof typeof mails;

/** Mails about the security of an account, and those that soon expire. No number of other mails delays them. */
const urgentMails: ReadonlySet<MailName> = new Set([
  'reset-password',
  'confirm-email-change',
  'email-change-requested',
  'email-changed',
  'username-changed',
  'password-changed',
  'factors-changed',
  'factors-reset',
  'factor-reset-requested',
  'change-undone',
  'address-taken-back',
  'account-deleted',
  'new-device',
  'recovery-code-used',
  'second-factor-failures',
  'sign-in',
  'sign-up-by-email',
] satisfies MailName[]);

/** The values of `Mail.priority`, in the order in which mail is sent. */
export const priorities = [0, 1] as const;

function priorityOf(name: MailName): (typeof priorities)[number] {
  return urgentMails.has(name) ? 0 : 1;
}

/**
 * Mails that a request enqueues whether or not the address has an account, so that its time does not tell. They are only
 * sent to users. A mail with a link to an account is too.
 */
export const onlyForUsers: ReadonlySet<MailName> = new Set(['failed-logins'] satisfies MailName[]);

/** Values for a template, beside `appUrl` and, in a mail with a link, `token`. Never a secret. */
export type MailData = Record<string, string>;

export type NewMail = {
  name: MailName;
  recipient: string;
  /** The user of the mail, which is not sent after their account is deleted. Null if there is no account. */
  userId: bigint | null;
  data?: MailData;
};

/** Adds a mail to the outbox, in the transaction that causes it. `mail/delivery.ts` sends it. */
export async function enqueueMail(db: Db, mail: NewMail, now: Date): Promise<void> {
  const { name, recipient, userId, data } = mail;
  await insert(db, 'Mail', {
    createdAt: now,
    sendAfter: now,
    attempts: 0,
    priority: priorityOf(name),
    template: name,
    recipient,
    userId,
    data: data ? JSON.stringify(data) : null,
  });
}

/** Deletes mails of a user that are not sent yet. */
export async function withdrawMails(db: Db, userId: bigint, names: MailName[]): Promise<void> {
  await db.mail.deleteMany({ where: { userId, template: { in: names } } });
}

/**
 * Voids a user's links for these purposes, waiting and sent ones. Waiting ones come first: a mail that is being sent at
 * the moment blocks this until its token exists and can be voided. Mails that are more than their link stay.
 */
export async function voidLinks(db: Db, userId: bigint, purposes: TokenPurpose[]): Promise<void> {
  const names = Object.entries(mails).flatMap(([name, kind]: [string, LinkKind | null]) =>
    kind !== null && !kind.isOptional && purposes.includes(kind.purpose) ? [name as MailName] : [],
  );
  await withdrawMails(db, userId, names);
  await voidUserTokens(db, userId, purposes);
}

/** Deletes the private sign-ups with an address, waiting and sent ones. Other people may have asked for them. */
export async function deleteSignUps(db: Db, email: string): Promise<void> {
  await db.mail.deleteMany({ where: { recipient: email, template: 'confirm-sign-up' } });
  await db.userToken.deleteMany({ where: { sentTo: email, purpose: 'SIGN_UP' } });
}

/** The maximum number of mails of a kind to one mailbox, for any number of requests. */
const defaultLimit = { points: 5, durationMs: hour };
const onceADay = { points: 1, durationMs: day };
const limits: Partial<Record<MailName, typeof defaultLimit>> = {
  'failed-logins': onceADay,
  'second-factor-failures': onceADay,
};

/** Returns the limit of mails of a kind to the mailbox with this address. */
export function limitOf(kind: MailName, email: string): RateLimit {
  return { key: `${kind}:${hash('sha256', accountKeyOf(email))}`, ...(limits[kind] ?? defaultLimit) };
}

/**
 * Returns whether one more mail of this kind may be sent to an address, and counts it. The limit keeps attackers from
 * flooding the mailbox of another person.
 */
export function mayBeMailed(database: Database, kind: MailName, email: string, now: Date): Promise<boolean> {
  const limit = limitOf(kind, email);
  return isWithinLimit(async () => {
    await requireNotReached(database, [limit], now);
    await countOnce(database, [limit], now);
  });
}

/** Returns whether one more mail of this kind may be sent to an address. `countMail` counts it, with the mail. */
export function isMailAllowed(database: Database, kind: MailName, email: string, now: Date): Promise<boolean> {
  return isWithinLimit(() => requireNotReached(database, [limitOf(kind, email)], now));
}

/** Counts a mail in the transaction that enqueues it. Refuses none: concurrent ones may exceed the limit. */
export async function countMail(db: Db, kind: MailName, email: string, now: Date): Promise<void> {
  await countOnce(db, [{ ...limitOf(kind, email), points: Number.POSITIVE_INFINITY }], now);
}

async function isWithinLimit(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof RateLimitedError) return false;
    throw error;
  }
}
