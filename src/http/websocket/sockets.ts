import type { Server } from 'graphql-ws';
import { Quotas, streamLimits } from '../../streams/quotas.ts';
import type { AppOptions } from '../front-door.ts';
import { type Incoming, Refusal } from '../messages.ts';
import { clientAddress } from '../request/client-address.ts';
import { foreignSite, isFromForeignSite } from '../request/cross-site.ts';
import { pathOf } from '../request/path.ts';
import { type Connection, createProtocol, type ProtocolParts } from './protocol.ts';

/** The WebSockets of a server, without those of Node.js. */
export type Sockets = {
  /**
   * Admits the request for a WebSocket, by the rules for requests, and returns the address of the client. Null if it is
   * unknown.
   *
   * @throws Refusal, and RequestError if subscriptions are off or the server stops.
   */
  admit(incoming: Incoming): string | null;
  protocol: Server<Connection>;
};

type Parts = Pick<ProtocolParts, 'operations' | 'begin'> & {
  path: string;
  requireOurHost(incoming: Incoming): void;
};

export function createSockets(options: AppOptions, { path, requireOurHost, ...parts }: Parts): Sockets {
  const { config, streams = null } = options;
  const places = new Quotas(streamLimits(config.streamsPerNode));
  return {
    admit(incoming) {
      const { target, headers, peer } = incoming;
      requireOurHost(incoming);
      if (streams === null || pathOf(target) !== path) throw new Refusal(404, `WebSockets are at ${path}.`);
      // Browsers let every page open a WebSocket with the cookies of the user (cross-site WebSocket hijacking).
      if (isFromForeignSite(headers, config)) throw new Refusal(403, foreignSite);
      streams.requireOpen();
      return clientAddress(peer, headers, config.trustedProxies);
    },
    protocol: createProtocol({ ...options, ...parts, places }),
  };
}
