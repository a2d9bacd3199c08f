/** The checks of options that verifiers and forwarders share. */
import type { CookiePolicy } from './credentials.ts';
import type { OriginPolicy } from './cross-site.ts';
import { VerifierMisconfigured } from './errors.ts';

/**
 * Returns the address of a server.
 *
 * @throws VerifierMisconfigured for one that is no address of a server.
 */
export function requireUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash) return url;
  throw new VerifierMisconfigured(
    'url must be the address of the graphql-sessions server, as https://accounts.example.com.',
  );
}

/**
 * Returns the name of a cookie.
 *
 * @throws VerifierMisconfigured for one that no cookie can have.
 */
export function requireCookieName(name: string | null | undefined): string | null | undefined {
  if (typeof name !== 'string' || /^[^\s=;]+$/.test(name)) return name;
  throw new VerifierMisconfigured('cookieName must be the name of a cookie, or null.');
}

/**
 * Returns the policy for an option `allowedOrigins`.
 *
 * @throws VerifierMisconfigured for a text that is no origin.
 */
export function originPolicy(allowedOrigins: Iterable<string> | undefined, cookie: CookiePolicy): OriginPolicy {
  return { allowedOrigins: new Set([...(allowedOrigins ?? [])].map(requireOrigin)), isSecure: isSecure(cookie) };
}

function requireOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin;
  throw new VerifierMisconfigured(
    `allowedOrigins must have origins without a path, as https://admin.example.com: ${origin}`,
  );
}

/** Returns the address of a path of the server, which may itself have a path. */
export function addressBelow(url: URL, path: string): URL {
  return new URL(path, url.href.endsWith('/') ? url : `${url.href}/`);
}

/** Returns whether the cookie tells that browsers use https: they send a cookie with such a name nowhere else. */
function isSecure({ name }: CookiePolicy): boolean {
  return name?.startsWith('__') ?? false;
}
