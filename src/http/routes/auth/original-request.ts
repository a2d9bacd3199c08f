/** The request that a proxy or gateway asks about, from the headers in which it describes that request. */
import type { Incoming } from '../../messages.ts';
import type { HeaderReader } from '../../request/headers.ts';

export type OriginalRequest = {
  /** Null if it is not known. */
  method: string | null;
  /** The headers of the client. `host` is that of the application. */
  headers: HeaderReader;
  /** Returns the complete URL. Null if the proxy does not tell it. */
  url(): URL | null;
};

/**
 * Reads the original request. Proxies describe it in `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri` (Traefik, Caddy)
 * or in `X-Original-Method` and `X-Original-URL` (nginx, Kubernetes ingresses), and pass its own headers on. Envoy sends
 * the method itself.
 */
export function readOriginalRequest({ method, headers: incoming }: Incoming): OriginalRequest {
  const url = () => originalUrl(incoming);
  const headers: HeaderReader = {
    get(name) {
      // A service key is meant for this server, and no client has one.
      if (name === 'x-service-key') return null;
      if (name !== 'host') return incoming.get(name);
      return incoming.get('x-forwarded-host') ?? url()?.host ?? incoming.get('host');
    },
  };
  return { method: originalMethod(method, incoming), headers, url };
}

/**
 * Returns the method of the original request. An unsafe one takes precedence: a proxy that sets one of the headers may
 * pass on the other as the client wrote it.
 */
function originalMethod(method: string, headers: HeaderReader): string | null {
  const told = ['x-forwarded-method', 'x-original-method']
    .map((name) => headers.get(name))
    .filter((one) => one !== null);
  return [...told, method].find((one) => !isSafe(one)) ?? told[0] ?? null;
}

function originalUrl(headers: HeaderReader): URL | null {
  const told = headers.get('x-original-url');
  if (told !== null) return URL.parse(told);
  const [proto, host, uri] = ['proto', 'host', 'uri'].map((name) => headers.get(`x-forwarded-${name}`));
  return proto && host && uri?.startsWith('/') ? URL.parse(`${proto}://${host}${uri}`) : null;
}

/**
 * Returns whether a request may change something, and so needs protection against forgery (RFC 9110 section 9.2.1). If
 * the method is unknown, `Origin` decides: browsers send it with every unsafe request. A WebSocket opens with a GET, and
 * may carry anything then: browsers let the pages of sibling domains open one with the cookie, and read from it.
 */
export function mayChangeSomething({ method, headers }: OriginalRequest): boolean {
  if (opensWebSocket(headers)) return true;
  return method === null ? headers.get('origin') !== null : !isSafe(method);
}

/** Proxies do not pass `Upgrade` on to this server. A client sends this header in every handshake (RFC 6455 section 4.1). */
function opensWebSocket(headers: HeaderReader): boolean {
  return headers.get('sec-websocket-version') !== null;
}

function isSafe(method: string): boolean {
  return ['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(method.toUpperCase());
}

/** Returns whether a browser requests a page, and not a program or a script. */
export function isPageVisit({ method, headers }: OriginalRequest): boolean {
  if (method !== null && method.toUpperCase() !== 'GET') return false;
  const mode = headers.get('sec-fetch-mode');
  return mode === null ? (headers.get('accept') ?? '').includes('text/html') : mode === 'navigate';
}
