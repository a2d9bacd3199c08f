import { faultOf } from '../database/failures.ts';
import { faultTexts } from '../database/faults.ts';
import { OperatorError, OperatorNotice } from '../errors.ts';
import type { Log } from '../log/log.ts';
import { logFaults } from '../log/repeated-faults.ts';

export type Reports = {
  /** Logs a failure of a running server. A sentence for the operator has no stack. */
  report(error: unknown): void;
  /** Logs why the process ends. */
  fail(error: unknown): void;
  /** Logs the counts of repeated faults. */
  stop(): void;
};

/** Returns the receivers of reports that write them into the log. */
export function logReports(log: Log): Reports {
  const faults = logFaults(log);
  return {
    report(error) {
      if (error instanceof OperatorNotice) return tell(log, error);
      if (error instanceof OperatorError) return log.error(error.message);
      const fault = faultOf(error);
      if (fault === null) faults.report('Unexpected error', error);
      else faults.report(faultTexts[fault].report, error, 'database');
    },
    fail(error) {
      if (error instanceof OperatorError) log.fail(error.message);
      else log.error('The server failed', error);
    },
    stop: faults.stop,
  };
}

function tell(log: Log, { severity, message }: OperatorNotice): void {
  if (severity === 'error') log.error(message);
  else if (severity === 'warning') log.warn(message);
  else log.info(message);
}
