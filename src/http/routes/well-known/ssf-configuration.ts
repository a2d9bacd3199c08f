import { jwksPath } from './metadata.ts';

/** SSF 1.0 section 7.2: the path for an issuer without a path of its own. */
export const ssfConfigurationPath = '/.well-known/ssf-configuration';

/** The endpoint at which receivers poll (RFC 8936). */
export const pollPath = '/security-events/poll';

/**
 * Returns the metadata by which receivers verify security events (SSF 1.0 section 7.1). There is no endpoint that manages
 * streams: administrators create receivers as service clients.
 *
 * @param issuer - the origin of `PUBLIC_URL`, as in the tokens
 */
export function ssfConfigurationOf(issuer: string): object {
  return {
    spec_version: '1_0',
    issuer,
    jwks_uri: issuer + jwksPath,
    delivery_methods_supported: ['urn:ietf:rfc:8935', 'urn:ietf:rfc:8936'],
    // HTTP Basic with the client secret, and the secret as a bearer token.
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:7617' }, { spec_urn: 'urn:ietf:rfc:6750' }],
    default_subjects: 'ALL',
  };
}
