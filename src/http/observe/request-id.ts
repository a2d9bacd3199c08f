import { randomBytes } from 'node:crypto';
import type { TrustedProxies } from '../../config/config.ts';
import { isTrustedProxy } from '../request/client-address.ts';
import type { HeaderReader } from '../request/headers.ts';

/** The ids of nginx, Envoy, HAProxy and Heroku have this form. No other text gets into logs. */
const safeForm = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Returns the id of a request: that of the header `X-Request-Id` if a trusted proxy sent it in a safe form, or a new
 * one of 32 hex digits. An id of anybody else could pretend to be that of another request.
 */
export function requestId(peer: string | null, headers: HeaderReader, proxies: TrustedProxies): string {
  const sent = headers.get('x-request-id');
  return sent !== null && safeForm.test(sent) && isTrustedProxy(peer, proxies) ? sent : newRequestId();
}

const pool = { bytes: Buffer.alloc(0), next: 0 };
const idBytes = 16;

/**
 * Returns a new id: 128 random bits in hex. The bits come from a pool, because a call for each takes ten times as long.
 */
function newRequestId(): string {
  if (pool.next === pool.bytes.length) Object.assign(pool, { bytes: randomBytes(idBytes * 256), next: 0 });
  pool.next += idBytes;
  return pool.bytes.toString('hex', pool.next - idBytes, pool.next);
}
