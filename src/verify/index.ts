/**
 * The client library for backends of applications: tells whose request they received. It is the entry
 * `graphql-sessions/verify` of the npm package, and needs nothing but the `fetch` of its runtime.
 */
// biome-ignore-all lint/performance/noBarrelFile: the entry of a package is the list of its exports
export type { Auth, Json, Session, User, UserSession } from './auth.ts';
export { CsrfError, VerificationUnavailable, VerifierMisconfigured } from './errors.ts';
export { type ClientInfo, createVerifier, type Verifier, type VerifierOptions } from './verifier.ts';
