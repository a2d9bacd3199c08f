import type { Config } from '../../config/config.ts';
import type { Database } from '../../database/database.ts';
import { tokenReplaced } from '../../errors.ts';
import type { Caller } from '../../graphql/context.ts';
import type { PresentedToken, Scope } from '../../scope.ts';
import { tokenExpiryOf } from '../../sessions/expiry.ts';
import {
  isTokenOf,
  type ResumedSession,
  type ResumePolicies,
  resumeSession,
  type SessionUse,
} from '../../sessions/resume.ts';
import type { RotatedSession } from '../../sessions/rotate.ts';
import type { Session, SessionWithUser } from '../../sessions/session.ts';
import type { StartedSession, Visitor } from '../../sessions/start.ts';
import { deriveAntiCSRFToken, equalSecrets, hashToken } from '../../tokens/token.ts';
import { deviceLifetimeMs } from '../../tokens/trusted-device.ts';
import type { User } from '../../users/user.ts';
import type { Cookies } from '../request/cookies.ts';
import { type Credential, readCredentials } from '../request/credentials.ts';
import { storesCookies } from '../request/cross-site.ts';
import type { HeaderReader } from '../request/headers.ts';
import type { LegacySessions } from '../request/legacy-sessions.ts';
import { type Arrival, requestScope } from '../request/scope.ts';
import { findService } from '../request/service.ts';
import { sessionUseOf } from '../request/session-use.ts';

/** A credential that opened a session. */
type Opened = Credential & Extract<ResumedSession, { session: SessionWithUser }>;

/** The caller of a request, and the cookies that the answer sets or clears. */
export class RequestCaller implements Caller {
  scope: Scope;
  readonly #arrival: Arrival;
  readonly #headers: HeaderReader;
  readonly #cookies: Cookies;
  readonly #config: Config;
  readonly #legacySessions: LegacySessions | null;
  readonly #credentials: Credential[][];
  /** The token of the session, with its transport. Null without a session. */
  #token: Pick<Credential, 'token' | 'transport'> | null = null;
  /** The session of the request, if the answer sets its cookie. Null if not, and for a session that is new. */
  #sentSession: { handle: string; token: string } | null = null;
  #setSession: string[] = [];
  #setDevice: string | null = null;
  #clearLegacy: string[] = [];
  #hasVisitor = false;

  constructor(arrival: Arrival, cookies: Cookies, config: Config, legacySessions: LegacySessions | null) {
    this.scope = requestScope(arrival, cookies.device, config);
    this.#arrival = arrival;
    this.#headers = arrival.headers;
    this.#cookies = cookies;
    this.#config = config;
    this.#legacySessions = legacySessions;
    this.#credentials = readCredentials(arrival.headers, cookies.session, legacySessions);
  }

  /**
   * Finds the service of the key, and the session of the credential. A cookie of an unknown session is cleared, so that
   * browsers stop sending it. The cookie of an ended session or of a replaced token stays: the browser may have a newer
   * one, from a login that was answered during this request.
   *
   * @throws RequestError for a token that was replaced a moment ago. If this counted as no session, the application
   *   would sign the user out while the new token is on its way. And for a service key that is not valid.
   *
   * @param use - tells how a session is used. By default, the headers do.
   */
  async resume(database: Database, use: ResumePolicies['use'] = (session) => this.#useOf(session)): Promise<void> {
    if (this.#headers.get('x-service-key') !== null) await this.#identifyService(database);
    const { sessions, secondFactor } = this.#config;
    const policies = { sessions, secondFactor, legacyTokens: this.#legacySessions, use };
    let last: SessionWithUser | null = null;
    for (const candidates of this.#credentials) {
      const opened: Opened[] = [];
      for (const credential of candidates) {
        const resumed = await resumeSession(database, this.scope, credential.token, policies);
        if (resumed.session) opened.push({ ...credential, ...resumed });
        else if (resumed.isJustReplaced) this.#refuseReplaced();
        else if (resumed.endedSession) last ??= resumed.endedSession;
        else if (credential.transport === 'COOKIE' && !credential.isLegacy && !resumed.isKnown) this.#clearCookie();
      }
      const [first] = opened;
      if (first && opened.length === 1) this.#open(first);
      if (first) return;
    }
    if (last) this.scope = { ...this.scope, endedSession: last };
  }

  #useOf(session: Session): SessionUse {
    return sessionUseOf(this.#headers, this.scope, session);
  }

  async #identifyService(database: Database): Promise<void> {
    this.scope = { ...this.scope, service: await findService(database, this.#arrival, this.#config) };
  }

  #open({ transport, token, isLegacy, session }: Opened): void {
    this.#enter(session, { hashedToken: session.hashedSessionToken ?? '', transport }, token);
    // From the first request on, our own cookie replaces that of another system, and that from before it had a domain.
    if (isLegacy) this.#sendCookie(token, session);
  }

  #refuseReplaced(): never {
    this.#setSession = [];
    throw tokenReplaced();
  }

  /** Makes a session that has this token the session of the caller. */
  #enter(session: SessionWithUser, presentedToken: PresentedToken, token: string): void {
    this.#token = { token, transport: presentedToken.transport };
    const isAdmin = session.user !== null && this.#config.adminRoles.includes(session.user.role);
    this.scope = { ...this.scope, session, endedSession: null, presentedToken, actorId: session.userId, isAdmin };
  }

  get isCsrfVerified(): boolean {
    // A bearer session has no anti-CSRF token, so its token in a cookie can change nothing.
    return this.#token?.transport !== 'COOKIE' || equalSecrets(this.#headers.get('anti-csrf'), this.antiCSRFToken);
  }

  get antiCSRFToken(): string | null {
    const { session } = this.scope;
    if (!session || !this.#token) return null;
    const { transport, antiCSRFToken } = session;
    return transport === 'COOKIE' ? deriveAntiCSRFToken(this.#token.token) : antiCSRFToken;
  }

  get storesCookies(): boolean {
    return storesCookies(this.#headers);
  }

  async findVisitor(): Promise<Visitor | null> {
    if (this.#legacySessions === null) return null;
    const visitor = await this.#legacySessions.findVisitor(this.#headers);
    this.#hasVisitor = visitor !== null;
    return visitor;
  }

  signIn({ session, token, transport, deviceToken }: StartedSession): void {
    this.#enter(session, { hashedToken: hashToken(token), transport }, token);
    // The data of the visitor belongs to this user now, and not to the next user of the browser.
    if (this.#hasVisitor) this.#clearLegacy = this.#legacySessions?.clearVisitor(this.#headers) ?? [];
    if (transport === 'BEARER') {
      this.#clearCookie();
      return;
    }
    this.#sendCookie(token, session);
    this.#sentSession = null;
    if (deviceToken !== null) this.#setDevice = this.#cookies.device.set(deviceToken, deviceLifetimeMs);
  }

  bindDevice(deviceToken: string, expiresAt: Date): void {
    this.#setDevice = this.#cookies.device.set(deviceToken, expiresAt.getTime() - this.scope.now.getTime());
  }

  update(session: Session, user?: User): void {
    const { scope } = this;
    if (!scope.session || !scope.presentedToken || !this.#token) return;
    this.#enter({ ...session, user: user ?? scope.session.user }, scope.presentedToken, this.#token.token);
  }

  rotate({ session, token }: RotatedSession, user?: User): void {
    const { scope } = this;
    if (!scope.session || !scope.presentedToken) return;
    const presentedToken = { ...scope.presentedToken, hashedToken: hashToken(token) };
    this.#enter({ ...session, user: user ?? scope.session.user }, presentedToken, token);
    if (presentedToken.transport === 'COOKIE') this.#sendCookie(token, session);
  }

  signOut(): void {
    this.scope = { ...this.scope, session: null, presentedToken: null, actorId: null, isAdmin: false };
    this.#token = null;
    this.#clearCookie();
    this.#clearLegacy = this.#legacySessions?.clearSession(this.#headers) ?? [];
  }

  /**
   * Removes the cookie from the answer if its session has received another token, or has ended, in the meantime: a late
   * answer would overwrite the newer cookie, and so sign the user out. Call this last. If the database does not answer,
   * the cookie is sent, because the browser may have no other one.
   */
  async dropStaleCookie(database: Database): Promise<void> {
    if (this.#sentSession === null) return;
    const { handle, token } = this.#sentSession;
    if (!(await isTokenOf(database, handle, token).catch(() => true))) this.#setSession = [];
  }

  /** Returns the values of `Set-Cookie` for the answer. Empty if the cookies do not change. */
  get setCookies(): string[] {
    return [...this.#setSession, ...(this.#setDevice === null ? [] : [this.#setDevice]), ...this.#clearLegacy];
  }

  /** Clears the cookie of clients that sent it or were about to receive it. */
  #clearCookie(): void {
    const hasCookie =
      this.#credentials.flat().some(({ transport }) => transport === 'COOKIE') || this.#setSession.length > 0;
    if (hasCookie) this.#setSession = this.#cookies.session.clear(this.#headers);
    this.#sentSession = null;
  }

  /**
   * Sets the cookie for the absolute lifetime, or until the browser ends. The server enforces the idle timeout, and so
   * renewals send no cookie.
   */
  #sendCookie(token: string, session: Session): void {
    this.#sentSession = { handle: session.handle, token };
    const expiresAt = tokenExpiryOf(session, this.#config.sessions);
    const maxAgeMs = expiresAt && expiresAt.getTime() - this.scope.now.getTime();
    this.#setSession = this.#cookies.session.set(this.#headers, token, maxAgeMs);
  }
}
