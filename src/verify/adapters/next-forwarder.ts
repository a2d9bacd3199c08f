import { OperationError, ServerUnavailable } from '../errors.ts';
import type { Forwarder, Variables } from '../forwarder.ts';
import type { HeaderReader } from '../headers.ts';
import { type CookieReader, currentHeaders } from './next.ts';

/** The attributes of a cookie, as `cookies().set` of Next.js takes them. `maxAge` is in seconds. */
export type CookieAttributes = {
  path?: string;
  domain?: string;
  maxAge?: number;
  httpOnly: boolean;
  secure: boolean;
  sameSite?: 'lax' | 'strict' | 'none';
};

/** The functions of `next/headers`. */
export type NextHeaders = {
  headers(): HeaderReader | Promise<HeaderReader>;
  cookies(): CookieStore | Promise<CookieStore>;
};

export type CookieStore = CookieReader & { set(name: string, value: string, attributes: CookieAttributes): unknown };

/**
 * Returns the functions that send operations of the browser on, for Next.js. `headers` and `cookies` are those of
 * `next/headers`. Both send the cookies that an earlier `mutate` of the same request has set, and the header
 * `X-Forwarded-For` as Next.js has it: put a proxy in front that sets it.
 *
 * - `query` is for server components, server actions and route handlers. It returns the data.
 * - `mutate` is for server actions and route handlers. It hands the cookies of the answer to the browser, also those of
 *   an answer with `errors`.
 *
 * @example
 * import { cookies, headers } from 'next/headers';
 * export const { query, mutate } = nextForwarder(forwarder, { headers, cookies });
 */
export function nextForwarder(forwarder: Pick<Forwarder, 'query' | 'mutate'>, { headers, cookies }: NextHeaders) {
  return {
    async query<Data>(query: string, variables?: Variables): Promise<Data> {
      const request = currentHeaders(await headers(), await cookies());
      return forwarder.query<Data>(request, query, variables, forwardedFor(request));
    },
    async mutate<Data>(mutation: string, variables?: Variables): Promise<Data> {
      const store = await cookies();
      const request = currentHeaders(await headers(), store);
      const setAll = (lines: readonly string[]) => {
        for (const line of lines) store.set(...parseSetCookie(line));
      };
      const { data, setCookies } = await forwarder
        .mutate<Data>(request, mutation, variables, forwardedFor(request))
        .catch((error: unknown) => {
          if (error instanceof OperationError || error instanceof ServerUnavailable) setAll(error.setCookies);
          throw error;
        });
      setAll(setCookies);
      return data;
    },
  };
}

function forwardedFor(request: HeaderReader) {
  return { forwardedFor: request.get('x-forwarded-for') };
}

/** Returns the parts of a `Set-Cookie` of the server. Its values need no decoding. */
function parseSetCookie(line: string): [name: string, value: string, attributes: CookieAttributes] {
  const [[name, value], ...pairs] = line.split(';').map(splitPair) as [Pair, ...Pair[]];
  const given = new Map(pairs.map(([key, text]) => [key.toLowerCase(), text]));
  const [path, domain, maxAge, sameSite] = ['path', 'domain', 'max-age', 'samesite'].map((key) => given.get(key));
  return [
    name,
    value,
    {
      ...(path !== undefined && { path }),
      ...(domain !== undefined && { domain }),
      ...(maxAge !== undefined && { maxAge: Number(maxAge) }),
      ...(sameSite !== undefined && { sameSite: sameSite.toLowerCase() as 'lax' | 'strict' | 'none' }),
      httpOnly: given.has('httponly'),
      secure: given.has('secure'),
    },
  ];
}

type Pair = [name: string, value: string];

function splitPair(text: string): Pair {
  const at = text.indexOf('=');
  return at === -1 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1)];
}
