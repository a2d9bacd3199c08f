import Bowser from 'bowser';
import { LRUCache } from 'lru-cache';

/** Longer ones are cut: what follows is no use to anybody. */
export const maxUserAgentLength = 512;

/** Names by user agent. Many sessions have the same one; reading one takes a tenth of a millisecond. */
const names = new LRUCache<string, { name: string | null }>({ max: 1_000 });

/** Returns what a person calls the device, such as `Firefox on Windows`. Null if the user agent does not say. */
export function clientName(userAgent: string | null): string | null {
  if (!userAgent) return null;
  const known = names.get(userAgent) ?? { name: readName(userAgent) };
  names.set(userAgent, known);
  return known.name;
}

function readName(userAgent: string): string | null {
  const { browser, os } = Bowser.parse(userAgent);
  const found = [browser.name, os.name].filter((name) => name);
  if (found.length > 0) return found.join(' on ');
  // Programs rather than browsers name themselves first: curl/8.5.0
  return /^([\w .-]{1,40})\//.exec(userAgent)?.[1] ?? null;
}
