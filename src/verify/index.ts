/**
 * The client library for backends of applications: tells whose request they received. It is the entry
 * `graphql-sessions/verify` of the npm package, and needs nothing but the `fetch` of its runtime.
 */
// biome-ignore-all lint/performance/noBarrelFile: the entry of a package is the list of its exports
export { expressAuth } from './adapters/express.ts';
export { fastifyAuth } from './adapters/fastify.ts';
export { graphqlSseAuth } from './adapters/graphql-sse.ts';
export { graphqlWsAuth } from './adapters/graphql-ws.ts';
export { type AuthVariables, honoAuth } from './adapters/hono.ts';
export { nextAuth } from './adapters/next.ts';
export { nextForwarder } from './adapters/next-forwarder.ts';
export { socketIoAuth } from './adapters/socket-io.ts';
export type { ConnectionOptions } from './adapters/web-socket.ts';
export { wsAuth } from './adapters/ws.ts';
export { type AuthContext, yogaAuth } from './adapters/yoga.ts';
export { type ProofRequirement, requireProof } from './assurance/require-proof.ts';
export type { Auth, Proof, Session, User, UserSession } from './auth.ts';
export {
  CsrfError,
  OperationError,
  ProofRequired,
  Refusal,
  ServerUnavailable,
  VerificationUnavailable,
  VerifierMisconfigured,
} from './errors.ts';
export { createForwarder, type ForwardedFor, type Forwarder, type ForwarderOptions } from './forwarder.ts';
export type { Json } from './json.ts';
export type { CloseReason } from './sockets/close-reason.ts';
export { type ClientInfo, createVerifier, type Verifier, type VerifierOptions } from './verifier.ts';
