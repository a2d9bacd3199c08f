import { type Environment, invalid, list } from './variables.ts';

/** The host names that this server answers for beside that of `PUBLIC_URL`, in the form in which URLs have them. */
export function readAllowedHosts(environment: Environment): ReadonlySet<string> {
  return new Set(list(environment, 'ALLOWED_HOSTS').map(hostName));
}

function hostName(value: string): string {
  const isName = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/i.test(value);
  const name = isName ? URL.parse(`http://${value}`)?.hostname : undefined;
  if (name === undefined) {
    throw invalid('ALLOWED_HOSTS', value, 'must be a host name without scheme and port, such as accounts.internal');
  }
  return name;
}
