import Bowser from 'bowser';
import { LRUCache } from 'lru-cache';

/** The maximum length of a stored user agent, in characters. The rest is cut, because it has no use. */
export const maxUserAgentLength = 512;

/** Client names by user agent. Many sessions share a user agent, and parsing one takes a tenth of a millisecond. */
const names = new LRUCache<string, { name: string | null }>({ max: 1_000 });

/** Returns the name of a client for people, such as `Firefox on Windows`. Null if the user agent contains none. */
export function clientName(userAgent: string | null): string | null {
  if (!userAgent) return null;
  const known = names.get(userAgent) ?? { name: readName(userAgent) };
  names.set(userAgent, known);
  return known.name;
}

/**
 * Returns whether two user agents are of one client, in any version. User agents without a name are of one client only if
 * they are equal.
 */
export function isSameClient(one: string | null, other: string | null): boolean {
  const name = clientName(one);
  return one === other || (name !== null && name === clientName(other));
}

function readName(userAgent: string): string | null {
  const { browser, os } = Bowser.parse(userAgent);
  const found = [browser.name, os.name].filter((name) => name);
  if (found.length > 0) return found.join(' on ');
  // Programs that are not browsers begin with their own name: curl/8.5.0
  return /^([\w .-]{1,40})\//.exec(userAgent)?.[1] ?? null;
}
