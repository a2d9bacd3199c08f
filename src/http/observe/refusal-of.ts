import { isUnavailable } from '../../database/failures.ts';
import type { Reports } from '../../graphql/errors.ts';
import { AbortedError } from '../body.ts';
import { Refusal } from '../messages.ts';

const unavailable = 'The database does not answer. Try again in a moment.';

/** Returns the refusal for an error of a step. Reports failures of the database, and unexpected errors. */
export function refusalOf(error: unknown, { report, reportUnavailable }: Reports): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof AbortedError) return new Refusal(400, error.message);
  if (isUnavailable(error)) {
    reportUnavailable?.(error);
    return new Refusal(503, unavailable, { 'retry-after': '1' }, 'SERVICE_UNAVAILABLE');
  }
  report(error);
  return new Refusal(500, 'Internal server error.');
}
