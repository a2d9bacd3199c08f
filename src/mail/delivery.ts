import type { Repeated } from '../background.ts';
import type { Clock } from '../database/clock.ts';
import { isUnavailable } from '../database/failures.ts';
import { repeatUnderLease } from '../database/lease.ts';
import { givenUpMails, sentMails } from '../diagnostics.ts';
import type { Mail } from '../generated/sqlite/client.ts';
import { handleOf } from '../tokens/token.ts';
import { type AttemptOptions, claim, prepare, UnusableMailError } from './attempt.ts';
import { createDeliveryLog, type DeliveryLog, type Failure } from './delivery-log.ts';
import type { MailTransport } from './message.ts';
import { priorities } from './outbox.ts';
import { maxAtOnce } from './transport.ts';

const intervalMs = 1_000;

/** RFC 5321 section 4.5.4.1: a sender gives up after four to five days. Links are useless by then. */
const giveUpAfterMs = 3 * 86_400_000;

export type DeliveryOptions = AttemptOptions & { transport: MailTransport; log: DeliveryLog };

type WorkerOptions = Omit<DeliveryOptions, 'log'> & { clock: Clock; report: (error: unknown) => void };

/**
 * Sends the mail of the outbox in the background: at least once, and by one node at a time. Mail that could not be sent
 * is sent again after a pause.
 */
export function startDelivery({ report, ...worker }: WorkerOptions): Repeated {
  const { database, transport, clock } = worker;
  const options = { ...worker, log: createDeliveryLog(report, clock) };
  const leased = {
    name: 'mail',
    pauseMs: intervalMs,
    hasWork: async () => (await findDue(options, 1)).length > 0,
    work: (mayContinue: () => Promise<boolean>) => deliverDue(options, mayContinue),
  };
  const delivery = repeatUnderLease(database, clock, leased, report);
  return {
    async stop() {
      await delivery.stop();
      await transport.close();
    },
  };
}

/**
 * Sends all due mail, for as long as `mayContinue` allows. A mail that takes long delays no other: each that ends makes
 * room for the next one.
 */
export async function deliverDue(options: DeliveryOptions, mayContinue: () => Promise<boolean>): Promise<void> {
  const running = new Set<Promise<unknown>>();
  const errors: unknown[] = [];
  try {
    do {
      const due = await findDue(options, maxAtOnce - running.size);
      for (const mail of due) {
        if (!(await claim(mail, options))) continue;
        const delivering = deliverOne(mail, options)
          .catch((error) => errors.push(error))
          .finally(() => running.delete(delivering));
        running.add(delivering);
      }
      if (due.length === 0 && running.size === 0) break;
      if (due.length === 0 || running.size === maxAtOnce) await Promise.race(running);
    } while (errors.length === 0 && (await mayContinue()));
  } finally {
    await Promise.all(running);
  }
  if (errors.length > 0) throw errors[0];
}

/** Returns the mail to send next, the more urgent first. Both queries read only as many rows of an index. */
async function findDue({ database, clock }: DeliveryOptions, limit: number): Promise<Mail[]> {
  const due: Mail[] = [];
  for (const priority of priorities) {
    if (due.length === limit) break;
    const where = { priority, sendAfter: { lte: clock.now() } };
    const orderBy = { sendAfter: 'asc' } as const;
    due.push(...(await database.mail.findMany({ where, orderBy, take: limit - due.length })));
  }
  return due;
}

/**
 * Sends a claimed mail, and deletes it once it is sent. After a failure it is sent again later, or given up.
 *
 * @throws only if the database does not answer.
 */
async function deliverOne(mail: Mail, options: DeliveryOptions): Promise<void> {
  const { database, transport, log } = options;
  const attempt = await prepare(mail, options).catch(async (error: unknown) => {
    if (isUnavailable(error)) throw error;
    await fail(mail, { reason: reasonOf(error), isOutage: false, isFinal: false }, options);
    return null;
  });
  if (attempt === null) return;
  const began = performance.now();
  const publish = (result: 'sent' | 'failed') =>
    sentMails.publish({ result, template: mail.template, ms: performance.now() - began });
  try {
    await transport.send(attempt.message);
    publish('sent');
  } catch (error) {
    publish('failed');
    if (attempt.token !== null) {
      await database.userToken.deleteMany({ where: { handle: handleOf(attempt.token) ?? '' } });
    }
    await fail(mail, { reason: reasonOf(error), isOutage: isOutage(error), isFinal: isPermanent(error) }, options);
    return;
  }
  await database.mail.deleteMany({ where: { id: mail.id } });
  log.sent();
}

/** Reports a failed attempt. Deletes a mail that is not to be tried again. */
async function fail(mail: Mail, failure: Failure & { isFinal: boolean }, options: DeliveryOptions): Promise<void> {
  const { database, log, clock } = options;
  const isOver = clock.now().getTime() - mail.createdAt.getTime() > giveUpAfterMs;
  if (!failure.isFinal && !isOver) {
    log.failed(mail, failure);
    return;
  }
  await database.mail.deleteMany({ where: { id: mail.id } });
  givenUpMails.publish({});
  log.gaveUp(mail, failure);
}

/** Returns whether the transport failed, rather than the receiver refused one mail. */
function isOutage(error: unknown): boolean {
  const { code, command } = error as { code?: string; command?: string };
  const isAboutMail = code === 'EENVELOPE' || code === 'EMESSAGE' || code === 'ESTREAM';
  return !isAboutMail || command === 'MAIL FROM';
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
  if (error instanceof UnusableMailError) return error.message;
  const { responseCode, code, name } = error as { responseCode?: number; code?: string; name?: string };
  return [code ?? name, responseCode].filter((part) => part !== undefined).join(' ');
}
