import { VerifierMisconfigured } from './errors.ts';
import { isObject, type Json, type JsonObject, parseObject } from './json.ts';

export type User = {
  /** The global id, the same as `User.id` over GraphQL. It never changes: store it as the foreign key of your rows. */
  id: string;
  email: string;
  /** Whether the user has opened a link that was mailed to this address. */
  emailVerified: boolean;
  /** Null if the user has given none. */
  name: string | null;
  role: string;
};

export type Session = {
  /** The handle, for logs and for `session(handle:)` over GraphQL. It opens nothing. It changes at each login. */
  handle: string;
  createdAt: Date;
  /** When the session expires unless it is used before. */
  expiresAt: Date;
  /** The public data of the session. Null if the service client has no scope `session-data`. */
  publicData: JsonObject | null;
};

/** The session of a user, with the facts about the user's authentication (OpenID Connect Core 1.0 section 2). */
export type UserSession = Session & {
  /**
   * The time since which the session has the level `acr`. Null if that is unknown. Before dangerous operations, use
   * `requireProof`, which compares all proofs.
   */
  authenticatedAt: Date | null;
  /** The authentication methods (RFC 8176), such as `pwd`. Empty if they are unknown. */
  amr: string[];
  /** The assurance level (NIST SP 800-63B-4): `aal1` is one factor, `aal2` two. Null if it is unknown. */
  acr: string | null;
  /** The last proof by each method. Empty if they are unknown. */
  proofs: Proof[];
};

/** The last proof of the identity by one method, in a session. */
export type Proof = {
  /** `password`, `email`, `totp`, `passkey`, `security_key`, `recovery_code`, `trusted_device`, or a later method. */
  method: string;
  at: Date;
};

/** The verdict on a live session. The session of a visitor who is not signed in has no user. */
export type Auth = { user: User; session: UserSession } | { user: null; session: Session };

/**
 * Returns the verdict in the body of an introspection response (RFC 7662 section 2.2). Null for an inactive token.
 *
 * @throws VerifierMisconfigured for every other body.
 */
export function toAuth(body: string): Auth | null {
  const claims = parseObject(body);
  if (claims?.active === false) return null;
  if (claims?.active !== true) throw unexpected();
  if (claims.sub === undefined) return { user: null, session: sessionOf(claims) };
  return { user: userOf(claims), session: userSessionOf(claims) };
}

function unexpected(): VerifierMisconfigured {
  return new VerifierMisconfigured(
    'The answer is no introspection response. Set url to the address of the graphql-sessions server, without /graphql.',
  );
}

function userOf(claims: JsonObject): User {
  return {
    id: text(claims.sub),
    email: text(claims.email),
    emailVerified: claims.email_verified === true,
    name: optionalText(claims.name),
    role: text(claims.role),
  };
}

function sessionOf({ sid, iat, exp, public_data }: JsonObject): Session {
  const publicData = isObject(public_data) ? public_data : null;
  return { handle: text(sid), createdAt: time(iat), expiresAt: time(exp), publicData };
}

function userSessionOf(claims: JsonObject): UserSession {
  const { auth_time, amr, acr, proofs } = claims;
  return {
    ...sessionOf(claims),
    authenticatedAt: auth_time === undefined ? null : time(auth_time),
    amr: Array.isArray(amr) ? amr.map(text) : [],
    acr: optionalText(acr),
    proofs: Array.isArray(proofs) ? proofs.map(proofOf) : [],
  };
}

function proofOf(value: Json): Proof {
  if (!isObject(value)) throw unexpected();
  return { method: text(value.method), at: time(value.at) };
}

function text(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  throw unexpected();
}

function optionalText(value: Json | undefined): string | null {
  return value === undefined ? null : text(value);
}

/** Returns the time of a NumericDate, which counts seconds (RFC 7519 section 2). */
function time(value: Json | undefined): Date {
  if (typeof value === 'number') return new Date(value * 1_000);
  throw unexpected();
}
