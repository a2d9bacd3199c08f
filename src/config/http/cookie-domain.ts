import { isIP } from 'node:net';
import { type Environment, invalid, noted, read } from '../variables.ts';

/**
 * Returns the domain of the session cookie: every host at or below it receives the cookie. Null if only the host of
 * this server does.
 *
 * A public suffix, such as `co.uk`, is not detected: browsers have the list of them, and refuse such a cookie.
 *
 * @throws SettingError for a value that is no domain name, or not a domain of `PUBLIC_URL`: browsers would refuse the
 *   cookie.
 */
export function readCookieDomain(environment: Environment, publicUrl: URL): string | null {
  const value = read(environment, 'COOKIE_DOMAIN');
  if (value === undefined) return null;
  const domain = domainName(value);
  if (domain === null) {
    throw invalid('COOKIE_DOMAIN', value, 'must be a domain name with two or more labels, such as example.com');
  }
  const { hostname } = publicUrl;
  if (hostname !== domain && !hostname.endsWith(`.${domain}`)) {
    throw invalid(
      'COOKIE_DOMAIN',
      value,
      `must be ${hostname}, the host of PUBLIC_URL, or a domain above it`,
      'PUBLIC_URL',
    );
  }
  return noted(environment, 'COOKIE_DOMAIN', domain);
}

/**
 * Returns a domain name in the form of `URL.hostname`. Null for an IP address, for one label, and for any other text.
 */
function domainName(value: string): string | null {
  const isName = /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i.test(value);
  const name = isName ? URL.parse(`http://${value}`)?.hostname : undefined;
  return name === undefined || isIP(name) !== 0 ? null : name;
}
