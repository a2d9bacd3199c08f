import { RequestError } from '../errors.ts';
import { networkOf, widerNetworkOf } from '../throttle/network.ts';

/** The maximum number of open streams of one session. */
export const maxPerSession = 5;

/** The maximum number of open streams of one address: for IPv6, of its /64 network. */
export const maxPerAddress = 100;

/** The maximum number of open streams of the wider network around an address. Many clients may share one. */
export const maxPerNetwork = 1_000;

/** Clients with fewer streams are likely to succeed then: others end all the time. */
const retryAfterSeconds = 10;

export type Holder = { sessionId: bigint | null; ipAddress: string | null };

type Place = { key: string; max: number; of: string };

/** Counts what is open at this server: by session, address, network, and in sum. It costs nothing after the end. */
export class Quotas {
  readonly #maxInSum: number;
  readonly #counts = new Map<string, number>();

  constructor(maxInSum: number) {
    this.#maxInSum = maxInSum;
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
    return [
      { key: 'sum', max: this.#maxInSum, of: 'this server' },
      ...(sessionId === null ? [] : [{ key: `session ${sessionId}`, max: maxPerSession, of: 'one session' }]),
      ...(ipAddress === null ? [] : addressPlaces(ipAddress)),
    ];
  }

  #add(key: string, change: number): void {
    const count = (this.#counts.get(key) ?? 0) + change;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

function addressPlaces(ipAddress: string): Place[] {
  return [
    { key: `address ${networkOf(ipAddress)}`, max: maxPerAddress, of: 'one address' },
    { key: `network ${widerNetworkOf(ipAddress)}`, max: maxPerNetwork, of: 'one network' },
  ];
}

function tooMany({ max, of }: Place): RequestError {
  const message = `At most ${max} streams of ${of} may be open at the same time. Close others first, or wait.`;
  return new RequestError('TOO_MANY_STREAMS', message, retryAfterSeconds);
}
