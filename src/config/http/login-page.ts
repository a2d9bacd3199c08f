import { type Environment, invalid, origins, read } from '../variables.ts';

/** The application's page for logging in, and the origins to which it may send users back. */
export type LoginPage = { url: URL; returnOrigins: ReadonlySet<string> };

/**
 * Reads `LOGIN_URL` and `LOGIN_RETURN_ORIGINS`. Null without `LOGIN_URL`. Users may always return to the origin of the
 * page itself.
 *
 * @throws SettingError
 */
export function readLoginPage(environment: Environment): LoginPage | null {
  const value = read(environment, 'LOGIN_URL');
  const returnOrigins = origins(environment, 'LOGIN_RETURN_ORIGINS');
  if (value === undefined) {
    if (returnOrigins.length === 0) return null;
    throw invalid('LOGIN_RETURN_ORIGINS', returnOrigins.join(), 'must come with LOGIN_URL', 'LOGIN_URL');
  }
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.hash !== '') {
    throw invalid('LOGIN_URL', value, 'must be an http or https URL without user and fragment');
  }
  return { url, returnOrigins: new Set([url.origin, ...returnOrigins]) };
}
