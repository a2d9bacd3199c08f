/** Answers requests for the documents by which other programs find this server, and verify its tokens. */
import { jwksMaxAgeMs } from '../../../signing-keys/rotation.ts';
import type { FixedHeaders } from '../../fixed-headers.ts';
import type { AppOptions } from '../../front-door.ts';
import { type Outgoing, Refusal } from '../../messages.ts';
import { exposedHeaders } from '../../request/cross-site.ts';
import type { Route } from '../route.ts';
import { jwksPath, metadataOf, metadataPath } from './metadata.ts';
import { relatedOriginsOf, relatedOriginsPath } from './related-origins.ts';
import { ssfConfigurationOf, ssfConfigurationPath } from './ssf-configuration.ts';

type PublicDocument = {
  path: string;
  mediaType: string;
  /** Returns the text of the document, from memory. @throws Refusal if there is none */
  read(): string | Promise<string>;
};

const noKeys = 'This server signs no tokens, so it has no keys to publish. The operator sets ENCRYPTION_KEYS.';

const noRelatedOrigins =
  'Only pages of one domain may use the passkeys of this server. The operator sets RELATED_ORIGINS.';

const noEvents = 'This server signs no tokens, so it sends no security events. The operator sets ENCRYPTION_KEYS.';

/**
 * Returns the routes of the JWK Set (RFC 7517), of the metadata (RFC 8414), of the metadata about security events (SSF
 * 1.0), and of the related origins of passkeys (WebAuthn). Each request gets a text from memory.
 */
export function wellKnownRoutes({ config, signingKeys = null }: AppOptions, fixedHeaders: FixedHeaders): Route[] {
  const metadata = JSON.stringify(metadataOf(config.publicUrl.origin, signingKeys !== null));
  const ssfConfiguration = JSON.stringify(ssfConfigurationOf(config.publicUrl.origin));
  const relatedOrigins = JSON.stringify(relatedOriginsOf(config.passkeys));
  const documents: PublicDocument[] = [
    { path: metadataPath, mediaType: 'application/json', read: () => metadata },
    {
      path: jwksPath,
      mediaType: 'application/jwk-set+json',
      read: () => {
        if (signingKeys === null) throw new Refusal(404, noKeys);
        return signingKeys.jwks();
      },
    },
    {
      path: ssfConfigurationPath,
      mediaType: 'application/json',
      read: () => {
        if (signingKeys === null) throw new Refusal(404, noEvents);
        return ssfConfiguration;
      },
    },
    {
      path: relatedOriginsPath,
      mediaType: 'application/json',
      read: () => {
        if (config.passkeys.relatedOrigins.length === 0) throw new Refusal(404, noRelatedOrigins);
        return relatedOrigins;
      },
    },
  ];
  return documents.map((document) => documentRoute(document, fixedHeaders));
}

/**
 * Returns the route of a document that is equal for all callers. So caches may keep it, and pages of every origin may
 * read it: they could ask a server of their own for it.
 */
function documentRoute({ path, mediaType, read }: PublicDocument, fixedHeaders: FixedHeaders): Route {
  const { vary: _, ...others } = fixedHeaders;
  const sameForAll = { ...others, 'access-control-allow-origin': '*', ...exposedHeaders };
  const documentHeaders = {
    ...sameForAll,
    'content-type': mediaType,
    'cache-control': `public, max-age=${jwksMaxAgeMs / 1_000}`,
  };
  return {
    path,
    readsBody: false,
    hasOwnHeaders: true,
    async answer({ method }): Promise<Outgoing> {
      if (method === 'OPTIONS') {
        return { status: 204, headers: { ...sameForAll, 'access-control-allow-methods': 'GET, HEAD' }, body: null };
      }
      if (method !== 'GET' && method !== 'HEAD') {
        throw new Refusal(405, `${method} is not supported. Use GET.`, { allow: 'GET, HEAD, OPTIONS' });
      }
      const text = await read();
      const headers = { ...documentHeaders, 'content-length': String(Buffer.byteLength(text)) };
      return { status: 200, headers, body: method === 'HEAD' ? null : text };
    },
    refusalBody: ({ message }) => JSON.stringify({ message }),
  };
}
