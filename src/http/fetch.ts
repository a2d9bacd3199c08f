/** The adapter for the standard types of the web, `Request` and `Response`. */
import { readBody } from './body.ts';
import type { Incoming, Outgoing } from './messages.ts';

/** Returns a `Request` as a plain value. Without a `Host` header, as in this process, the host comes from the URL. */
export function toIncoming(request: Request, peer: string | null): Incoming {
  const { pathname, search, host } = new URL(request.url);
  const headers = {
    get: (name: string) => request.headers.get(name) ?? (name === 'host' ? host : null),
  };
  return { method: request.method, target: pathname + search, headers, peer, body: () => readBody(request) };
}

/** Returns an answer as a `Response`. */
export function toResponse({ status, headers, body }: Outgoing): Response {
  const pairs = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  return new Response(body, { status, headers: pairs as [string, string][] });
}
