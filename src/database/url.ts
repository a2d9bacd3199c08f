/**
 * Returns one URL for each host of a URL of PostgreSQL: `db1:5432,db2:5432` names two, as in libpq. A URL that names
 * one host, or none as it is meant, is returned as it is.
 *
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 */
export function hostUrls(value: string): [string, ...string[]] {
  const [, before = '', hosts = '', after = ''] =
    /^(postgres(?:ql)?:\/\/(?:[^@/?#]*@)?)([^@/?#]*,[^@/?#]*)([/?#].*)?$/.exec(value) ?? [];
  const [first = '', ...rest] = hosts.split(',').map((host) => `${before}${host}${after}`);
  return hosts === '' ? [value] : [first, ...rest];
}

/**
 * Returns whether a value is a URL of PostgreSQL that is read as it is meant. A `#`, a `?` or a `/` in a password that
 * is not percent-encoded ends the host early, and the rest would become a part of the URL that is no secret.
 */
export function isPostgresqlUrl(value: string): boolean {
  return hostUrls(value).every(isUrlOfOneHost);
}

function isUrlOfOneHost(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || !/^\/[^/:]+$/.test(url.pathname)) return false;
  return isUnambiguous(value);
}

/**
 * Returns whether a value is a URL with a host, and all its credentials before the host. Spaces and line breaks, which
 * a parser of URLs skips, an empty user, and a colon without a port are mistakes.
 */
export function isUnambiguous(value: string): boolean {
  const url = URL.parse(value);
  if (url === null || url.hostname === '' || url.hash !== '' || /\s|^\w+:\/\/(?::?@|[^/?#]*:(?:[/?#]|$))/.test(value))
    return false;
  const { username, password, pathname, search } = url;
  return !/@/.test(pathname + search) && isDecodable(username + password + pathname);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** A path, and no credentials: `file:user:password@host` is not the name of a file. */
export function isSqliteUrl(value: string): boolean {
  return /^file:(?!\/\/)[^?#]+$/.test(value) && !/:[^/\\]*@/.test(value.slice('file:'.length));
}

/**
 * Returns the parts of a database's URL that are no secret: not the user, not the password, no parameters. Of a value
 * that is no such URL, only the scheme is left, because any other part may be the password.
 */
export function redactUrl(value: string): string {
  if (isSqliteUrl(value)) return value;
  if (!isPostgresqlUrl(value))
    return `${/^(?:file|postgres(?:ql)?|mysql|mongodb|sqlserver|https?):/.exec(value)?.[0] ?? ''}…`;
  const urls = hostUrls(value).map((url) => new URL(url));
  const [{ protocol, username, password, pathname }] = urls as [URL];
  return `${protocol}//${username || password ? '***@' : ''}${urls.map(({ host }) => host).join()}${pathname}`;
}
