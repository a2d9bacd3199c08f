import { type Repeated, repeat } from '../background.ts';
import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { withLease } from '../database/lease.ts';
import { inTransaction } from '../database/transaction.ts';
import { sentMails } from '../diagnostics.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { handleOf } from '../tokens/token.ts';
import { createUserToken } from '../tokens/user-token.ts';
import type { User } from '../users/user.ts';
import type { MailTransport, Message } from './message.ts';
import { type LinkKind, type MailName, mails } from './outbox.ts';
import type { Render } from './templates.ts';
import { maxAtOnce } from './transport.ts';

const intervalMs = 1_000;

/** The pause after the first failure. It doubles with each further failure, up to `max`. */
const pauseMs = { first: 10_000, max: 3_600_000 };

/** RFC 5321 section 4.5.4.1: a sender gives up after four to five days. Links are useless by then. */
const giveUpAfterMs = 3 * 86_400_000;

const hourMs = 3_600_000;

export type DeliveryOptions = {
  database: Database;
  transport: MailTransport;
  render: Render;
  /** The origin of the pages to which links lead. */
  appUrl: URL;
  clock: Pick<Clock, 'now'>;
  report: (error: unknown) => void;
};

/**
 * Sends the mail of the outbox in the background: at least once, and by one node at a time. Mail that could not be sent
 * is sent again after a pause.
 */
export function startDelivery(options: DeliveryOptions & { clock: Clock }): Repeated {
  const { database, transport, clock, report } = options;
  const delivery = repeat(
    intervalMs,
    async (isStopping) => {
      if ((await findDue(options)).length === 0) return;
      await withLease(database, 'mail', clock, (isHeld) =>
        deliverDue(options, async () => !isStopping() && (await isHeld())),
      );
    },
    report,
  );
  return {
    async stop() {
      await delivery.stop();
      await transport.close();
    },
  };
}

/** Sends all due mail, for as long as `mayContinue` allows. */
export async function deliverDue(options: DeliveryOptions, mayContinue: () => Promise<boolean>): Promise<void> {
  for (let due = await findDue(options); due.length > 0; due = await findDue(options)) {
    await Promise.all(due.map((mail) => deliverOne(mail, options)));
    if (!(await mayContinue())) return;
  }
}

function findDue({ database, clock }: DeliveryOptions): Promise<Mail[]> {
  return database.mail.findMany({
    where: { sendAfter: { lte: clock.now() } },
    orderBy: { sendAfter: 'asc' },
    take: maxAtOnce,
  });
}

/** Sends a mail, and deletes it once it is sent. After a failure it is sent again later, or given up. */
async function deliverOne(mail: Mail, options: DeliveryOptions): Promise<void> {
  const { database, transport, report, clock } = options;
  const attempt = await claim(mail, options);
  if (attempt === null) return;
  try {
    await transport.send(attempt.message);
    sentMails.publish({ result: 'sent' });
  } catch (error) {
    sentMails.publish({ result: 'failed' });
    if (attempt.token !== null) {
      await database.userToken.deleteMany({ where: { handle: handleOf(attempt.token) ?? '' } });
    }
    const isOver = clock.now().getTime() - mail.createdAt.getTime() > giveUpAfterMs;
    if (!isOver && !isPermanent(error)) return;
    report(
      new Error(`Mail ${mail.id} (${mail.template}, user ${mail.userId ?? 'none'}) was given up: ${reasonOf(error)}`),
    );
  }
  await database.mail.deleteMany({ where: { id: mail.id } });
}

type Attempt = {
  message: Message;
  /** The secret of the link, which exists only here and in the message. Null for a mail without a link. */
  token: string | null;
};

/**
 * Claims a mail for one attempt. It is due again only after a pause, so that after a crash it is sent once more, but
 * not at once. Returns null if another worker has it, if it was withdrawn, or if it is no longer to be sent.
 */
async function claim(mail: Mail, { database, render, appUrl, clock }: DeliveryOptions): Promise<Attempt | null> {
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

/**
 * Returns whether the server rejected the recipient for good (RFC 5321 section 4.2.1). It may also reject the sender or
 * its permissions (RFC 3463: 5.7), which an operator can correct while the mail waits.
 */
function isPermanent(error: unknown): boolean {
  const { responseCode, command, response } = error as { responseCode?: number; command?: string; response?: string };
  return (
    command === 'RCPT TO' && responseCode !== undefined && responseCode >= 500 && !/\b5\.7\.\d/.test(response ?? '')
  );
}

/** Returns the codes of an error only, because the words of servers repeat addresses. */
function reasonOf(error: unknown): string {
  const { responseCode, code } = error as { responseCode?: number; code?: string };
  return [code, responseCode].filter((part) => part !== undefined).join(' ') || 'it cannot be sent.';
}
