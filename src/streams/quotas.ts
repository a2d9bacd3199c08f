import { RequestError } from '../errors.ts';
import { networkOf, widerNetworkOf } from '../throttle/network.ts';

export type QuotaLimits = {
  inSum: number;
  /** Null for no limit. */
  perSession: number | null;
  /** The maximum for one address: for IPv6, its /64 network. */
  perAddress: number;
  /** The maximum for the wider network around an address. Many clients may share one. */
  perNetwork: number;
};

/** Returns the limits on what a client keeps open for long: streams, and connections for them. */
export function streamLimits(inSum: number): QuotaLimits {
  return { inSum, perSession: 5, perAddress: 100, perNetwork: 1_000 };
}

/** Clients with fewer streams are likely to succeed then: others end all the time. */
const retryAfterSeconds = 10;

export type Holder = { sessionId: bigint | null; ipAddress: string | null };

type Place = { key: string; max: number; of: string };

/** Counts what is open at this server: by session, address, network, and in sum. It costs nothing after the end. */
export class Quotas {
  readonly #limits: QuotaLimits;
  readonly #counts = new Map<string, number>();

  constructor(limits: QuotaLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a place, and returns a function that gives it back. Further calls of that function change nothing.
   *
   * @throws RequestError TOO_MANY_STREAMS if no place is free.
   */
  take(holder: Holder): () => void {
    const places = this.#placesOf(holder);
    const full = places.find(({ key, max }) => (this.#counts.get(key) ?? 0) >= max);
    if (full) throw tooMany(full);
    for (const { key } of places) this.#add(key, 1);
    let isTaken = true;
    return () => {
      if (isTaken) for (const { key } of places) this.#add(key, -1);
      isTaken = false;
    };
  }

  #placesOf({ sessionId, ipAddress }: Holder): Place[] {
    const { inSum, perSession, perAddress, perNetwork } = this.#limits;
    const places = [{ key: 'sum', max: inSum, of: 'this server' }];
    if (sessionId !== null && perSession !== null) {
      places.push({ key: `session ${sessionId}`, max: perSession, of: 'one session' });
    }
    if (ipAddress === null) return places;
    places.push({ key: `address ${networkOf(ipAddress)}`, max: perAddress, of: 'one address' });
    places.push({ key: `network ${widerNetworkOf(ipAddress)}`, max: perNetwork, of: 'one network' });
    return places;
  }

  #add(key: string, change: number): void {
    const count = (this.#counts.get(key) ?? 0) + change;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

function tooMany({ max, of }: Place): RequestError {
  const message = `At most ${max} streams of ${of} may be open at the same time. Close others first, or wait.`;
  return new RequestError('TOO_MANY_STREAMS', message, retryAfterSeconds);
}
