import { type Repeated, repeat } from '../background.ts';
import type { Clock } from '../database/clock.ts';
import type { Database } from '../database/database.ts';
import { withLease } from '../database/lease.ts';
import { inTransaction } from '../database/transaction.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { handleOf } from '../tokens/token.ts';
import { createUserToken } from '../tokens/user-token.ts';
import type { User } from '../users/user.ts';
import type { MailTransport, Message } from './message.ts';
import { type LinkKind, type MailName, mails } from './outbox.ts';
import type { Render } from './templates.ts';
import { maxAtOnce } from './transport.ts';

const intervalMs = 1_000;

/** How long to wait after the first failure; then twice as long each time, and never longer than the second. */
const pauseMs = { first: 10_000, max: 3_600_000 };

/** RFC 5321 section 4.5.4.1: a sender gives up after four to five days; links are of no use to anybody by then. */
const giveUpAfterMs = 3 * 86_400_000;

const hourMs = 3_600_000;

export type DeliveryOptions = {
  database: Database;
  transport: MailTransport;
  render: Render;
  /** Where the pages are that links lead to. */
  appUrl: URL;
  clock: Pick<Clock, 'now'>;
  report: (error: unknown) => void;
};

/**
 * Sends the mail of the outbox in the background: at least once, by one node at a time, and each mail again after a
 * while if it could not be sent.
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

/** Sends all that is due, as long as it may go on. */
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

/** Sends a mail, and forgets it once it is sent. One that fails is tried again later, or given up. */
async function deliverOne(mail: Mail, options: DeliveryOptions): Promise<void> {
  const { database, transport, report, clock } = options;
  const attempt = await claim(mail, options);
  if (attempt === null) return;
  try {
    await transport.send(attempt.message);
  } catch (error) {
    if (attempt.token !== null) {
      await database.userToken.deleteMany({ where: { handle: handleOf(attempt.token) ?? '' } });
    }
    const isOver = clock.now().getTime() - mail.createdAt.getTime() > giveUpAfterMs;
    if (!isOver && !isPermanent(error)) return;
    report(
      new Error(`Mail ${mail.id} (${mail.template}, user ${mail.userId ?? 'none'}) is given up: ${reasonOf(error)}`),
    );
  }
  await database.mail.deleteMany({ where: { id: mail.id } });
}

type Attempt = {
  message: Message;
  /** The secret of the link, which exists only here and in the message. Null where there is no link. */
  token: string | null;
};

/**
 * Makes one attempt at a mail this worker's: it is due again only after a pause, so that whatever becomes of the
 * process, it is sent once more and not at once. Null if somebody else has it, if it was withdrawn, or if it is not to
 * be sent any more.
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
    // A newer version of this server, beside this one, knows what it is.
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
    // What a sign-up waits with is for its link, and not to be read.
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

/** Links to an account are sent as long as they lead to it, by the address that it has. */
function isWanted({ recipient }: Mail, kind: LinkKind | null, user: User | null): boolean {
  if (kind === null || kind.purpose === 'SIGN_UP') return true;
  if (user === null || user.suspendedAt !== null) return false;
  return kind.purpose === 'CHANGE_EMAIL' || user.email === recipient;
}

/** Growing, and a little different each time, so that what failed together is not tried together. */
function pauseAfter(attempts: number): number {
  return Math.min(pauseMs.max, pauseMs.first * 2 ** attempts) * (0.8 + 0.4 * Math.random());
}

function validFor(lifetimeMs: number): string {
  const hours = lifetimeMs / hourMs;
  if (hours === 1) return '1 hour';
  return hours < 48 ? `${hours} hours` : `${hours / 24} days`;
}

/**
 * Whether it is the recipient who was refused, and for good (RFC 5321 section 4.2.1). The sender may be refused too, or
 * what they may do (RFC 3463: 5.7), which somebody can set right while the mail waits.
 */
function isPermanent(error: unknown): boolean {
  const { responseCode, command, response } = error as { responseCode?: number; command?: string; response?: string };
  return (
    command === 'RCPT TO' && responseCode !== undefined && responseCode >= 500 && !/\b5\.7\.\d/.test(response ?? '')
  );
}

/** Codes only: what servers say in words repeats addresses. */
function reasonOf(error: unknown): string {
  const { responseCode, code } = error as { responseCode?: number; code?: string };
  return [code, responseCode].filter((part) => part !== undefined).join(' ') || 'it cannot be sent.';
}
