import type { Config } from '../../config/config.ts';
import type { Scope } from '../../scope.ts';
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
export function requestScope({ headers, peer, now }: Arrival, deviceCookie: Cookie, config: Config): Scope {
  return {
    now,
    client: {
      userAgent: headers.get('user-agent')?.slice(0, maxUserAgentLength) || null,
      ipAddress: clientAddress(peer, headers, config.trustedProxies),
    },
    session: null,
    presentedToken: null,
    deviceToken: deviceToken(headers, deviceCookie),
    actorId: null,
    isAdmin: false,
    service: null,
  };
}

function deviceToken(headers: HeaderReader, cookie: Cookie): string | null {
  const [value, ...others] = cookie.read(headers);
  // One of two cookies was planted, as with the cookie of a session.
  return headers.get('x-device-token') ?? (others.length === 0 ? (value ?? null) : null);
}
