import { type Environment, invalid, list, noted } from '../variables.ts';

/**
 * Returns the host names of `ALLOWED_HOSTS`, in the form of `URL.hostname`. They are accepted beside that of
 * `PUBLIC_URL`.
 *
 * @throws SettingError for a value that is not a host name without scheme and port.
 */
export function readAllowedHosts(environment: Environment): ReadonlySet<string> {
  return new Set(noted(environment, 'ALLOWED_HOSTS', list(environment, 'ALLOWED_HOSTS').map(hostName)));
}

function hostName(value: string): string {
  const isName = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/i.test(value);
  const name = isName ? URL.parse(`http://${value}`)?.hostname : undefined;
  if (name === undefined) {
    throw invalid('ALLOWED_HOSTS', value, 'must be a host name without scheme and port, such as accounts.internal');
  }
  return name;
}
