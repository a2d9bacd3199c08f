import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import type { EncryptionKeys } from '../encryption/keys.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { parseObject } from '../json.ts';
import { createUserToken } from '../tokens/user-token.ts';
import { leadsToUser, linkOf } from './link.ts';
import type { Message } from './message.ts';
import { type LinkKind, type MailName, mails, onlyForUsers } from './outbox.ts';
import type { Render, Rendered } from './templates.ts';
import { formatTime } from './time.ts';

/** The pause after the first failure. It doubles with each further failure, up to `max`. */
const pauseMs = { first: 10_000, max: 3_600_000 };

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

export type AttemptOptions = {
  database: Database;
  render: Render;
  /** The origin of the pages to which links lead. */
  appUrl: URL;
  clock: Pick<Clock, 'now'>;
  /** The keys that encrypt codes. Null on a server without any, which mails no codes. */
  encryptionKeys: EncryptionKeys | null;
};

export type Attempt = {
  message: Message;
  /** The secret of the link, which exists only here and in the message. Null for a mail without a link. */
  token: string | null;
};

/**
 * Claims a mail for one attempt, and counts the attempt before anything can fail because of it. The mail is due again
 * only after a pause, so that after a crash it is sent once more, but not at once. Returns false if another worker has
 * it, or if it was withdrawn.
 */
export async function claim({ id, attempts }: Mail, { database, clock }: AttemptOptions): Promise<boolean> {
  const { count } = await database.mail.updateMany({
    where: { id, attempts },
    data: { attempts: attempts + 1, sendAfter: new Date(clock.now().getTime() + pauseAfter(attempts)) },
  });
  return count > 0;
}

/**
 * Makes the message of a claimed mail, the token of its link, and its code. Returns null if the mail was withdrawn in the
 * meantime, or is no longer to be sent and therefore deleted.
 *
 * @throws UnusableMailError for a mail that this version cannot make a message of.
 */
export async function prepare(mail: Mail, options: AttemptOptions): Promise<Attempt | null> {
  const { database, appUrl, clock, encryptionKeys } = options;
  const { id, recipient, data } = mail;
  const name = requireKnown(mail.template);
  const kind: LinkKind | null = mails[name];
  const { linkData, values } = splitData(data, kind);
  return inTransaction(database, async (db) => {
    // Locks the mail: who withdraws it waits until its token exists and can be voided.
    const attempts = mail.attempts + 1;
    const { count } = await db.mail.updateMany({ where: { id, attempts }, data: { attempts } });
    if (count === 0) return null;
    const user = mail.userId === null ? null : await db.user.findUnique({ where: { id: mail.userId } });
    const createdAt = clock.now();
    const link = kind && (await linkOf(db, mail, { kind, data: linkData, user, encryptionKeys }, createdAt));
    const isWanted = kind === null ? !onlyForUsers.has(name) || leadsToUser(mail, kind, user) : kind.isOptional || link;
    if (!isWanted) {
      await db.mail.deleteMany({ where: { id } });
      return null;
    }
    const token =
      kind &&
      link &&
      (await createUserToken(db, {
        purpose: kind.purpose,
        userId: mail.userId,
        sentTo: recipient,
        data: linkData,
        createdAt,
        expiresAt: link.expiresAt,
      }));
    const rendered = renderSafely(options.render, name, {
      ...values,
      appUrl: appUrl.origin,
      recipient,
      ...(kind && link && token
        ? { token, validFor: validFor(kind.lifetimeMs), validUntil: formatTime(link.expiresAt) }
        : {}),
      ...(link?.code && { code: link.code }),
    });
    const message = { id: `${mail.createdAt.getTime()}.${id}`, name, to: recipient, date: mail.createdAt, ...rendered };
    return { message, token };
  });
}

/** Says why no message can be made of a mail, without an address and a secret. */
export class UnusableMailError extends Error {}

/** An unknown mail belongs to a newer version of this server, which runs beside this one. */
function requireKnown(template: string): MailName {
  if (Object.hasOwn(mails, template)) return template as MailName;
  throw new UnusableMailError('this version does not know its template');
}

/** Splits the data of a mail into that of its link, as JSON, and the values for its template. */
function splitData(data: string | null, kind: LinkKind | null) {
  const all = Object.entries(data === null ? {} : parseData(data));
  const isOfLink = ([name]: [string, string]) => kind?.data?.includes(name) ?? false;
  const ofLink = all.filter(isOfLink);
  return {
    linkData: ofLink.length > 0 ? JSON.stringify(Object.fromEntries(ofLink)) : null,
    values: Object.fromEntries(all.filter((entry) => !isOfLink(entry))),
  };
}

function parseData(data: string): Record<string, string> {
  const values = parseObject(data);
  const entries = Object.entries(values ?? {});
  if (values !== null && entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    return Object.fromEntries(entries);
  }
  throw new UnusableMailError('its data is not an object of texts');
}

function renderSafely(render: Render, name: MailName, values: Record<string, string>): Rendered {
  try {
    return render(name, values);
  } catch (error) {
    throw new UnusableMailError(`its template fails (${error instanceof Error ? error.name : typeof error})`);
  }
}

/** Returns a growing pause with random jitter, so that mails that failed together are not sent again together. */
function pauseAfter(attempts: number): number {
  return Math.min(pauseMs.max, pauseMs.first * 2 ** attempts) * (0.8 + 0.4 * Math.random());
}

function validFor(lifetimeMs: number): string {
  if (lifetimeMs < hourMs) return `${lifetimeMs / minuteMs} minutes`;
  const hours = lifetimeMs / hourMs;
  if (hours === 1) return '1 hour';
  return hours < 48 ? `${hours} hours` : `${hours / 24} days`;
}
