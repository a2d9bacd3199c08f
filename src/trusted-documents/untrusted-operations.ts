/** Reports operations that the mode `only` would refuse. */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { untrustedOperations } from '../diagnostics.ts';
import { OperatorNotice } from '../errors.ts';

/** Anybody can send a new document with each request. Further ones are only counted, until the next minute. */
const maxReportsPerMinute = 20;

const minuteMs = 60_000;

/** The number of documents that are known to be reported. A forgotten one is reported again. */
const maxReported = 1_000;

export type UntrustedOperations = {
  /** Reports an operation, or counts it if its document was reported before. */
  note(operation: UntrustedOperation): void;
  /** Reports the count. */
  stop(): void;
};

export type UntrustedOperation = {
  /** The name of the operation. Null if it has none. */
  name: string | null;
  /** The text of its document, which is never reported: it may hold values of users. */
  text: string;
  /** True if the document is trusted, but was not requested by its id. */
  isTrusted: boolean;
};

/** Returns a receiver of untrusted operations, which keeps a fixed amount of memory. */
export function reportUntrusted(
  report: (notice: OperatorNotice) => void,
  now: () => number = Date.now,
): UntrustedOperations {
  const reported = new LRUCache<string, true>({ max: maxReported });
  let since = now();
  let reports = 0;
  let count = 0;

  function tellCount(): void {
    if (count > 0) {
      const began = new Date(since).toISOString();
      report(new OperatorNotice('warning', `Further operations that are not trusted since ${began}: ${count}.`));
    }
    [since, reports, count] = [now(), 0, 0];
  }

  return {
    note({ name, text, isTrusted }) {
      untrustedOperations.publish({});
      if (now() - since >= minuteMs) tellCount();
      const fingerprint = hash('sha256', text, 'hex');
      if (reported.get(fingerprint) || reports >= maxReportsPerMinute) {
        count += 1;
        return;
      }
      reported.set(fingerprint, true);
      reports += 1;
      const operation = name === null ? 'An operation without a name' : `The operation ${name}`;
      const problem = isTrusted ? 'is trusted, but was sent as text and not by its id' : 'is not trusted';
      report(new OperatorNotice('warning', `${operation} ${problem}. The SHA-256 of its text is ${fingerprint}.`));
    },
    stop: tellCount,
  };
}
