import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { createUserToken } from '../tokens/user-token.ts';
import type { User } from '../users/user.ts';
import type { Message } from './message.ts';
import { type LinkKind, type MailName, mails } from './outbox.ts';
import type { Render } from './templates.ts';

/** The pause after the first failure. It doubles with each further failure, up to `max`. */
const pauseMs = { first: 10_000, max: 3_600_000 };

const hourMs = 3_600_000;

export type AttemptOptions = {
  database: Database;
  render: Render;
  /** The origin of the pages to which links lead. */
  appUrl: URL;
  clock: Pick<Clock, 'now'>;
};

export type Attempt = {
  message: Message;
  /** The secret of the link, which exists only here and in the message. Null for a mail without a link. */
  token: string | null;
};

/**
 * Claims a mail for one attempt. It is due again only after a pause, so that after a crash it is sent once more, but
 * not at once. Returns null if another worker has it, if it was withdrawn, or if it is no longer to be sent.
 */
export async function claim(mail: Mail, options: AttemptOptions): Promise<Attempt | null> {
  const { database, render, appUrl, clock } = options;
  const { id, attempts, recipient, data } = mail;
  const now = clock.now();
  const kind: LinkKind | null | undefined = mails[mail.template as MailName];
  return inTransaction(database, async (db) => {
    const { count } = await db.mail.updateMany({
      where: { id, attempts },
      data: { attempts: attempts + 1, sendAfter: new Date(now.getTime() + pauseAfter(attempts)) },
    });
    // An unknown mail is left to a newer version of this server, which runs beside this one.
    if (count === 0 || kind === undefined) return null;
    const user = mail.userId === null ? null : await db.user.findUnique({ where: { id: mail.userId } });
    if (!isWanted(mail, kind, user)) {
      await db.mail.deleteMany({ where: { id } });
      return null;
    }
    const name = mail.template as MailName;
    const isSignUp = kind?.purpose === 'SIGN_UP';
    const token =
      kind &&
      (await createUserToken(db, {
        purpose: kind.purpose,
        userId: mail.userId,
        sentTo: recipient,
        data: isSignUp ? data : null,
        expiresAt: new Date(now.getTime() + kind.lifetimeMs),
      }));
    // The data of a sign-up belongs to its link, and not to the template.
    const values: Record<string, string> = isSignUp || data === null ? {} : JSON.parse(data);
    const rendered = render(name, {
      ...values,
      appUrl: appUrl.origin,
      recipient,
      ...(kind ? { token: token ?? '', validFor: validFor(kind.lifetimeMs) } : {}),
    });
    const message = { id: `${mail.createdAt.getTime()}.${id}`, name, to: recipient, date: mail.createdAt, ...rendered };
    return { message, token };
  });
}

/**
 * Returns whether a mail is still to be sent. A link to an account is sent only while it leads to that account, by the
 * address that the account has.
 */
function isWanted({ recipient }: Mail, kind: LinkKind | null, user: User | null): boolean {
  if (kind === null || kind.purpose === 'SIGN_UP') return true;
  if (user === null || user.suspendedAt !== null) return false;
  return kind.purpose === 'CHANGE_EMAIL' || user.email === recipient;
}

/** Returns a growing pause with random jitter, so that mails that failed together are not sent again together. */
function pauseAfter(attempts: number): number {
  return Math.min(pauseMs.max, pauseMs.first * 2 ** attempts) * (0.8 + 0.4 * Math.random());
}

function validFor(lifetimeMs: number): string {
  const hours = lifetimeMs / hourMs;
  if (hours === 1) return '1 hour';
  return hours < 48 ? `${hours} hours` : `${hours / 24} days`;
}
