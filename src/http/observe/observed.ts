import type { TrustedProxies } from '../../config/config.ts';
import { newRequestFacts, type RequestFacts } from '../../log/request-facts.ts';
import type { Incoming, Observer, Outgoing } from '../messages.ts';
import { requestId } from './request-id.ts';

/** A request that has begun. */
export type Begun = {
  facts: RequestFacts;
  /** Gives the answer the id of the request, and calls the observer. */
  end(outgoing: Outgoing): Outgoing;
};

export type ObserveParts = {
  proxies: TrustedProxies;
  observe: Observer | undefined;
  report: (error: unknown) => void;
};

/** Returns a function that begins requests. Errors of the observer are reported, and change no answer. */
export function requestObserver({ proxies, observe, report }: ObserveParts): (incoming: Incoming) => Begun {
  function attempt<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      report(error);
      return undefined;
    }
  }

  return (incoming) => {
    const facts = newRequestFacts(requestId(incoming.peer, incoming.headers, proxies));
    const end = attempt(() => observe?.(incoming, facts));
    return {
      facts,
      end(outgoing) {
        outgoing.headers['x-request-id'] = facts.id;
        attempt(() => end?.(outgoing));
        return outgoing;
      },
    };
  };
}
