import Bowser from 'bowser';
import { LRUCache } from 'lru-cache';

/** The maximum length of a stored user agent, in characters. The rest is cut, because it has no use. */
export const maxUserAgentLength = 512;

/** Client names by user agent. Many sessions share a user agent, and parsing one takes a tenth of a millisecond. */
const names = new LRUCache<string, Names>({ max: 1_000 });

type Names = {
  name: string | null;
  /** The name, if all of its words come from the parser. Null if some are words of the client. */
  knownName: string | null;
};

/** Returns the name of a client for people, such as `Firefox on Windows`. Null if the user agent contains none. */
export function clientName(userAgent: string | null): string | null {
  return userAgent ? namesOf(userAgent).name : null;
}

/**
 * Returns the same name if its words are names of browsers and systems, which the client only selects. Null for every
 * other one: a client can put any text into its user agent, and another person reads this name in a mail of ours.
 */
export function knownClientName(userAgent: string | null): string | null {
  return userAgent ? namesOf(userAgent).knownName : null;
}

function namesOf(userAgent: string): Names {
  const known = names.get(userAgent) ?? readNames(userAgent);
  names.set(userAgent, known);
  return known;
}

/**
 * Returns whether two user agents are of one client, in any version. User agents without a name are of one client only if
 * they are equal.
 */
export function isSameClient(one: string | null, other: string | null): boolean {
  const name = clientName(one);
  return one === other || (name !== null && name === clientName(other));
}

const parserNames: ReadonlySet<string> = new Set([
  ...Object.values(Bowser.BROWSER_MAP),
  ...Object.values(Bowser.OS_MAP),
]);

function readNames(userAgent: string): Names {
  const { browser, os } = Bowser.parse(userAgent);
  const found = [browser.name, os.name].flatMap((name) => name || []);
  if (found.length > 0) {
    const name = found.join(' on ');
    return { name, knownName: found.every((part) => parserNames.has(part)) ? name : null };
  }
  // Programs that are not browsers begin with their own name: curl/8.5.0
  return { name: /^([\w .-]{1,40})\//.exec(userAgent)?.[1] ?? null, knownName: null };
}
