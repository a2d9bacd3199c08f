import type { Clock } from '../database/clock.ts';
import { OperatorNotice } from '../errors.ts';
import type { Mail } from '../generated/sqlite/client.ts';

/** The pause between two reports of an outage. */
const summaryMs = 60_000;

/** The failure of an attempt at a mail. */
export type Failure = {
  /** Codes only, because the words of mail servers and of templates repeat addresses and secrets. */
  reason: string;
  /** Whether no other mail could have been sent either. */
  isOutage: boolean;
};

/** Tells the operator about mail that is not sent: its number, its template and its user, but no address. */
export type DeliveryLog = {
  /** Reports one failed attempt. During an outage, attempts are counted, and reported once a minute. */
  failed(mail: Mail, failure: Failure): void;
  /** Reports a mail that the server never tries again. */
  gaveUp(mail: Mail, failure: Failure): void;
  /** Reports the end of an outage, if there was one. */
  sent(): void;
};

type Outage = { since: Date; attempts: number; reportedAt: Date };

/** Creates the log of one server. It keeps the state of an outage. */
export function createDeliveryLog(report: (error: unknown) => void, clock: Pick<Clock, 'now'>): DeliveryLog {
  let outage: Outage | null = null;

  function countOutage(mail: Mail, reason: string): void {
    const now = clock.now();
    if (outage === null) {
      outage = { since: now, attempts: 1, reportedAt: now };
      const name = `${nameOf(mail)}, attempt ${mail.attempts + 1}`;
      report(new OperatorNotice('error', `No mail can be sent: ${reason}. ${name} failed. The server tries again.`));
      return;
    }
    outage.attempts += 1;
    if (now.getTime() - outage.reportedAt.getTime() < summaryMs) return;
    outage.reportedAt = now;
    report(new OperatorNotice('error', `Still no mail can be sent: ${reason}. ${attemptsOf(outage)}`));
  }

  return {
    failed(mail, { reason, isOutage }) {
      if (isOutage) countOutage(mail, reason);
      else report(new OperatorNotice('error', `${nameOf(mail)}, attempt ${mail.attempts + 1} failed: ${reason}.`));
    },
    gaveUp(mail, { reason }) {
      report(new OperatorNotice('error', `${nameOf(mail)} was given up at attempt ${mail.attempts + 1}: ${reason}.`));
    },
    sent() {
      if (outage === null) return;
      report(new OperatorNotice('info', `Mail can be sent again. ${attemptsOf(outage)}`));
      outage = null;
    },
  };
}

function nameOf({ id, template, userId }: Mail): string {
  return `Mail ${id} (${template}, user ${userId ?? 'none'})`;
}

function attemptsOf({ attempts, since }: Outage): string {
  return `${attempts === 1 ? '1 attempt' : `${attempts} attempts`} failed since ${since.toISOString()}.`;
}
