/** Forward authentication: a proxy asks for each request whether it may pass, and for whom. */
import { issueAccessToken } from '../../../access-tokens/access-token.ts';
import type { LoginPage } from '../../../config/config.ts';
import { AudienceNotAllowedError } from '../../../errors.ts';
import { toNodeId } from '../../../graphql/node-id.ts';
import type { RequestFacts } from '../../../log/request-facts.ts';
import { requireUser, type UserScope } from '../../../scope.ts';
import { hasProof } from '../../../sessions/proof.ts';
import type { AppOptions } from '../../front-door.ts';
import { type Incoming, type Outgoing, Refusal } from '../../messages.ts';
import { pathOf, queryOf } from '../../request/path.ts';
import type { Route } from '../route.ts';
import { identityHeaders } from './identity.ts';
import { isPageVisit, type OriginalRequest, readOriginalRequest } from './original-request.ts';
import { originalScope } from './original-scope.ts';
import { insufficientProof, type RequiredProof, readRequiredProof } from './required-proof.ts';
import { signedOutMessage, unauthenticated } from './signed-out.ts';

const withoutLoginPage = `${signedOutMessage} This server knows no login page: the operator sets LOGIN_URL.`;

/**
 * Returns the route of forward authentication, for requests with any method. It answers with the identity in headers,
 * 401 without a session or without the required proofs, 403 for a forged request, and 503 without a verdict. It sets no
 * cookies.
 */
export function verifyRoute(path: string, options: AppOptions): Route {
  const { config, signingKeys = null } = options;
  const { loginPage } = config;
  const scopeOf = originalScope(options);

  /** Returns the header with an access token for the application, if the proxy asks for one. @throws Refusal */
  async function tokenHeader(scope: UserScope, audience: string | null): Promise<Record<string, string>> {
    if (audience === null) return {};
    const request = { audience, subject: toNodeId('User', scope.session.user.id) };
    const { token } = await issueAccessToken(signingKeys, scope, request, config.accessTokens).catch(asRefusal);
    return { authorization: `Bearer ${token}` };
  }

  async function answer(incoming: Incoming, facts: RequestFacts): Promise<Outgoing> {
    const original = readOriginalRequest(incoming);
    const { allowsAnonymous, redirects, audience, proof } = readParameters(incoming, path);
    const scope = await scopeOf(original, incoming.peer, facts);
    const { session, now } = scope;
    const identity = session ? identityHeaders(session) : {};
    const isProven = session === null || proof === null || hasProof(session, proof, now);
    if (session?.user && isProven) {
      const token = await tokenHeader(requireUser(scope), audience);
      return { status: 200, headers: { ...identity, ...token }, body: '' };
    }
    if (allowsAnonymous) return { status: 200, headers: identity, body: '' };
    if (redirects && loginPage !== null && isPageVisit(original)) {
      return { status: 302, headers: { location: loginUrl(loginPage, original, proof) }, body: '' };
    }
    if (session?.user && proof !== null) throw insufficientProof(proof);
    throw redirects && loginPage === null ? unauthenticated(withoutLoginPage) : unauthenticated();
  }

  return { path, hasSubpaths: true, readsBody: false, answer };
}

type Parameters = {
  allowsAnonymous: boolean;
  redirects: boolean;
  /** The audience of the access token for the application. Null if it wants none. */
  audience: string | null;
  /** The proofs that the session of the user has to have. Null if any session suffices. */
  proof: RequiredProof | null;
};

const noParameters: Parameters = { allowsAnonymous: false, redirects: false, audience: null, proof: null };

const unknownParameter =
  'The only parameters are anonymous=allow, signed-out=redirect, audience=…, acr_values=… and max_age=….';

/**
 * Reads the parameters of the proxy's configuration. Some proxies append the path and the query of the client to the
 * path, so that the query comes from the client: then there are no parameters.
 *
 * @throws Refusal for an unknown parameter or value, which is a mistake in the configuration of the proxy.
 */
function readParameters({ target }: Incoming, path: string): Parameters {
  if (target === path || pathOf(target) !== path) return noParameters;
  const searchParams = queryOf(target);
  for (const [name, value] of searchParams) {
    if (name === 'anonymous' && value === 'allow') continue;
    if (name === 'signed-out' && value === 'redirect') continue;
    if (name === 'audience' && value !== '') continue;
    if (name === 'acr_values' || name === 'max_age') continue;
    throw new Refusal(400, unknownParameter);
  }
  const proof = readRequiredProof(searchParams);
  if (proof !== null && searchParams.has('anonymous')) {
    throw new Refusal(400, 'With anonymous=allow, visitors need no proof. Leave out acr_values and max_age.');
  }
  return {
    allowsAnonymous: searchParams.has('anonymous'),
    redirects: searchParams.has('signed-out'),
    audience: searchParams.get('audience'),
    proof,
  };
}

/** An audience that is not allowed is a mistake in the configuration of the proxy. */
function asRefusal(error: unknown): never {
  if (error instanceof AudienceNotAllowedError) throw new Refusal(400, error.message);
  throw error;
}

/**
 * Returns the URL of the login page, with the address of the visited page in `return_to` if the page may send users
 * there. Without that list, it could send them to any site (open redirect, OWASP ASVS 5.0, 1.2.2). The required proofs
 * are parameters too: the page asks a signed-in user for them.
 */
function loginUrl({ url, returnOrigins }: LoginPage, original: OriginalRequest, proof: RequiredProof | null): string {
  const login = new URL(url);
  for (const [name, value] of Object.entries(proof?.parameters ?? {})) login.searchParams.set(name, value);
  const visited = original.url();
  if (visited !== null && returnOrigins.has(visited.origin)) login.searchParams.set('return_to', visited.href);
  return login.href;
}
