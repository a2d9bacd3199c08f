import { type Repeated, repeat } from '../background.ts';
import type { Clock } from '../database/clock.ts';
import { withLease } from '../database/lease.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { handleOf } from '../tokens/token.ts';
import { type AttemptOptions, claim } from './attempt.ts';
import type { MailTransport } from './message.ts';
import { maxAtOnce } from './transport.ts';

const intervalMs = 1_000;

/** RFC 5321 section 4.5.4.1: a sender gives up after four to five days. Links are useless by then. */
const giveUpAfterMs = 3 * 86_400_000;

export type DeliveryOptions = AttemptOptions & {
  transport: MailTransport;
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
  } catch (error) {
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
