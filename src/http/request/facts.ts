import type { Config } from '../../config/config.ts';
import type { RequestFacts } from '../../graphql/context.ts';
import { maxUserAgentLength } from '../../sessions/device.ts';
import { equalSecrets, hashToken } from '../../tokens/token.ts';
import { clientAddress } from './client-address.ts';

/** The headers of a request, whatever holds them. Names are in lower case; a header that is not there is null. */
export type HeaderReader = { get(name: string): string | null };

/** What a request that came from that address tells about itself. */
export function factsOf(headers: HeaderReader, peer: string | null, config: Config): RequestFacts {
  const userAgent = headers.get('user-agent')?.slice(0, maxUserAgentLength) || null;
  const ipAddress = clientAddress(peer, headers, config.trustedProxies);
  return { device: { userAgent, ipAddress }, isService: isServiceKey(headers.get('x-service-key'), config) };
}

function isServiceKey(key: string | null, { hashedServiceKeys }: Config): boolean {
  if (key === null) return false;
  const hashed = hashToken(key);
  // Every key is compared, so that the time does not tell which one it was.
  return hashedServiceKeys.filter((expected) => equalSecrets(hashed, expected)).length > 0;
}
