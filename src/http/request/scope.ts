import type { Config } from '../../config/config.ts';
import type { ClientInfo, Scope } from '../../scope.ts';
import { maxUserAgentLength } from '../../sessions/client-name.ts';
import { clientAddress } from './client-address.ts';
import type { Cookie } from './cookies.ts';
import type { HeaderReader } from './headers.ts';

/** The parts of a request from which its scope is made. */
export type Arrival = {
  headers: HeaderReader;
  /** The address of the other end of the connection. Null for a request that was made in this process. */
  peer: string | null;
  now: Date;
};

/** Returns the scope of a request without session and service, which are read only after the operation is validated. */
export function requestScope(arrival: Arrival, deviceCookie: Cookie, config: Config): Scope {
  const { headers, now } = arrival;
  return {
    now,
    client: clientInfo(arrival, config),
    session: null,
    endedSession: null,
    presentedToken: null,
    deviceToken: deviceToken(headers, deviceCookie),
    actorId: null,
    isAdmin: false,
    service: null,
  };
}

/** Returns the client of a request. */
export function clientInfo({ headers, peer }: Pick<Arrival, 'headers' | 'peer'>, config: Config): ClientInfo {
  return {
    userAgent: headers.get('user-agent')?.slice(0, maxUserAgentLength) || null,
    ipAddress: clientAddress(peer, headers, config.trustedProxies),
  };
}

function deviceToken(headers: HeaderReader, cookie: Cookie): string | null {
  const [value, ...others] = cookie.read(headers);
  // One of two cookies was planted, as with the cookie of a session.
  return headers.get('x-device-token') ?? (others.length === 0 ? (value ?? null) : null);
}
