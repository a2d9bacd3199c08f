import type { Observer } from '../http/messages.ts';

/**
 * Returns an observer that calls several, in this order for the request and for the answer. Observers of the server go
 * first: an error of one ends the calls.
 */
export function observeAll(observers: readonly (Observer | undefined)[]): Observer {
  const all = observers.filter((observer) => observer !== undefined);
  const [only] = all;
  if (only && all.length === 1) return only;
  return (incoming, facts) => {
    const ends = all.map((observe) => observe(incoming, facts));
    return (outgoing) => {
      for (const end of ends) end(outgoing);
    };
  };
}
