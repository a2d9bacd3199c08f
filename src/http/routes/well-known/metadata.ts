import { signingAlgorithm } from '../../../signing-keys/key-pair.ts';

/** RFC 8414 section 3: the path for an issuer without a path of its own. */
export const metadataPath = '/.well-known/oauth-authorization-server';

export const jwksPath = '/.well-known/jwks.json';

export const introspectionPath = '/oauth/introspect';
export const revocationPath = '/oauth/revoke';

/**
 * Returns the metadata by which libraries find the endpoints of this server (RFC 8414 section 2).
 *
 * @param issuer - the origin of `PUBLIC_URL`, without a slash at its end: verifiers compare it as a text
 * @param signs - whether this server has signing keys, and so a JWK Set and signed answers of introspection (RFC 9701)
 */
export function metadataOf(issuer: string, signs: boolean): object {
  return {
    issuer,
    ...(signs ? { jwks_uri: issuer + jwksPath } : {}),
    introspection_endpoint: issuer + introspectionPath,
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    ...(signs ? { introspection_signing_alg_values_supported: [signingAlgorithm] } : {}),
    // RFC 9470 section 7.
    acr_values_supported: ['aal1', 'aal2'],
    revocation_endpoint: issuer + revocationPath,
    revocation_endpoint_auth_methods_supported: ['none'],
    // The RFC requires the first, and reads the absence of the second as the code flow. People log in over GraphQL here.
    response_types_supported: [],
    grant_types_supported: [],
  };
}
