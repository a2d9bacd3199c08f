/** Token introspection (RFC 7662): tells a service whose session a token opens. */
import { isIP } from 'node:net';
import { claimsOf, toUnixSeconds } from '../../../access-tokens/claims.ts';
import { toNodeId } from '../../../graphql/node-id.ts';
import type { RequestFacts } from '../../../log/request-facts.ts';
import { type ClientInfo, commandScope, type Service } from '../../../scope.ts';
import { maxUserAgentLength } from '../../../sessions/client-name.ts';
import { parseData } from '../../../sessions/data.ts';
import { proofsOf } from '../../../sessions/proof.ts';
import { resumeSession, type SessionUse } from '../../../sessions/resume.ts';
import type { SessionWithUser } from '../../../sessions/session.ts';
import type { AppOptions } from '../../front-door.ts';
import { type Incoming, type Outgoing, Refusal } from '../../messages.ts';
import { noteCaller } from '../../observe/note-caller.ts';
import { plainAddress } from '../../request/client-address.ts';
import type { Route } from '../route.ts';
import { clientAuthentication } from './client-authentication.ts';
import { oauthRefusalBody } from './errors.ts';
import { type Form, readForm, requireToken } from './form.ts';

/** The media type of signed answers (RFC 9701 section 4). */
const signedType = 'application/token-introspection+jwt';

const unsigned = 'This server signs no answers. Accept application/json, or ask the operator to set ENCRYPTION_KEYS.';

const replaced = 'This token was replaced a moment ago, and the client is about to receive the new one. Try again.';

/**
 * Returns the route of introspection. Services with the scope `introspect` may ask. A token that opens no session is
 * inactive, whatever the reason. Without a verdict the answer is 503, never `active: false`.
 */
export function introspectionRoute(path: string, options: AppOptions): Route {
  const { database, config, now: clock = () => new Date(), legacySessions = null, signingKeys = null } = options;
  const issuer = config.publicUrl.origin;
  const requireService = clientAuthentication(database, clock);

  /**
   * Answers as JSON, or as a signed JWT (RFC 9701) if the service asks for it: then another party can verify it too.
   */
  async function respond(about: object, incoming: Incoming, { clientId }: Service): Promise<Outgoing> {
    if (!accepts(incoming, signedType)) return answerOf('application/json', JSON.stringify(about));
    if (signingKeys === null) throw new Refusal(406, unsigned);
    const claims = { ...(clientId !== null && { aud: clientId }), token_introspection: about };
    return answerOf(signedType, await signingKeys.sign(claims, { typ: 'token-introspection+jwt' }));
  }

  async function answer(incoming: Incoming, facts: RequestFacts): Promise<Outgoing> {
    const form = await readForm(incoming);
    const token = requireToken(form);
    const { use, client } = readUse(form);
    const scope = { ...commandScope(clock()), client };
    const { sessions, secondFactor } = config;
    const policies = { sessions, secondFactor, legacyTokens: legacySessions, use };
    const service = await requireService({ headers: incoming.headers, form, scope: 'introspect' });
    const resumed = await resumeSession(database, scope, token, policies);
    noteCaller(facts, resumed);
    if (resumed.session) return respond(describe(resumed.session, service, issuer), incoming, service);
    if (resumed.isJustReplaced) throw new Refusal(503, replaced, { 'retry-after': '1' });
    return respond({ active: false }, incoming, service);
  }

  return { path, readsBody: true, answer, refusalBody: oauthRefusalBody };
}

function answerOf(type: string, body: string): Outgoing {
  return { status: 200, headers: { 'content-type': type }, body };
}

/** Returns whether a request names a media type in `Accept`. */
function accepts({ headers }: Incoming, type: string): boolean {
  const entries = (headers.get('accept') ?? '').toLowerCase().split(',');
  return entries.some((entry) => entry.split(';')[0]?.trim() === type);
}

/**
 * Reads how the service uses the session. By default, a use is recorded, but not the device: the request comes from the
 * service. `client_ip` and `user_agent` name the device of the client. `touch=false` records nothing.
 *
 * @throws Refusal
 */
function readUse(form: Form): { use: SessionUse; client: ClientInfo } {
  const [ipAddress, userAgent, touch] = [form.get('client_ip'), form.get('user_agent'), form.get('touch') ?? 'true'];
  if (touch !== 'true' && touch !== 'false') throw new Refusal(400, 'The parameter touch must be true or false.');
  if ((ipAddress === undefined) !== (userAgent === undefined)) {
    throw new Refusal(400, 'Send client_ip and user_agent together, or neither. A user_agent may be empty.');
  }
  if (ipAddress !== undefined && isIP(ipAddress) === 0)
    throw new Refusal(400, 'The parameter client_ip must be an IP address.');
  const used = ipAddress === undefined ? 'backend' : 'client';
  const client = {
    ipAddress: ipAddress === undefined ? null : plainAddress(ipAddress),
    userAgent: userAgent?.slice(0, maxUserAgentLength) || null,
  };
  return { use: touch === 'false' ? 'none' : used, client };
}

/** Returns the answer for a live session. The parts about the user are absent for an anonymous session. */
function describe(session: SessionWithUser, { scopes }: Service, iss: string): object {
  const { user, handle, createdAt, expiresAt, publicData } = session;
  return {
    active: true,
    iss,
    sid: handle,
    token_type: 'Bearer',
    iat: toUnixSeconds(createdAt),
    exp: toUnixSeconds(expiresAt),
    ...(user && {
      username: user.email,
      email: user.email,
      ...(user.name !== null && { name: user.name }),
      ...claimsOf({ ...session, user }, toNodeId('User', user.id)),
      proofs: proofsOf(session).map(({ method, at }) => ({ method, at: toUnixSeconds(at) })),
    }),
    ...(scopes.has('session-data') && { public_data: parseData(publicData) ?? {} }),
  };
}
