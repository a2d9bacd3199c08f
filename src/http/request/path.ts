/**
 * The path to which some proxies append the path of the client's request. Its dot segments must not count: resolved, they
 * would lead to another route, such as a health probe, and the proxy would take that answer for a permission. The URL
 * Standard reads a backslash as `/`, so every target that begins with this text stays as it is.
 */
const appendedTo = '/auth/verify';

/** Returns the path of a request target, parsed by the URL Standard. A path that a proxy has appended stays as it is. */
export function pathOf(target: string): string {
  // Most targets are plain words, which need no parser. A target that is no path, such as `*`, leads to no route.
  if (/^\/[a-z/]*$/.test(target) || !target.startsWith('/')) return target;
  return target.startsWith(appendedTo) ? target.replace(/[?#].*$/s, '') : urlOf(target).pathname;
}

/** Returns the parameters in the query of a request target. */
export function queryOf(target: string): URLSearchParams {
  return urlOf(target).searchParams;
}

/** Parses a request target as the path and the query of this server. As a relative URL, `//x` would name a host. */
function urlOf(target: string): URL {
  return new URL(`http://localhost${target}`);
}
