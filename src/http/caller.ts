import type { BlitzPolicy } from '../config.ts';
import type { Database } from '../database/database.ts';
import type { Caller } from '../graphql/context.ts';
import { resumeSession, type Use } from '../sessions/resume.ts';
import type { Session, SessionWithUser } from '../sessions/session.ts';
import type { StartedSession, Visitor } from '../sessions/start.ts';
import { equalSecrets } from '../token.ts';
import { deviceLifetimeMs } from '../users/known-device.ts';
import type { User } from '../users/user.ts';
import { findBlitzVisitor } from './blitz-cookies.ts';
import type { Cookies } from './cookies.ts';
import { type Credential, readCredential } from './credentials.ts';
import type { HeaderReader } from './request-facts.ts';

/** Who sends a request, and what its answer does to the cookies. */
export class RequestCaller implements Caller {
  session: SessionWithUser | null = null;
  isIntended = true;
  readonly #headers: HeaderReader;
  readonly #cookies: Cookies;
  readonly #blitz: BlitzPolicy | null;
  readonly #credential: Credential | null;
  readonly #antiCSRFToken: string | null;
  readonly #now: () => Date;
  #setSession: string | null = null;
  #setDevice: string | null = null;

  constructor(headers: HeaderReader, cookies: Cookies, blitz: BlitzPolicy | null, now: () => Date) {
    this.#headers = headers;
    this.#cookies = cookies;
    this.#blitz = blitz;
    this.#credential = readCredential(headers, cookies.session, blitz);
    this.#antiCSRFToken = headers.get('anti-csrf');
    this.#now = now;
  }

  /**
   * Finds the session of the credential. A cookie that never opened one is cleared, so that it is not sent for ever;
   * one whose session was renewed is sent again. One whose session is over stays: the browser may have a newer one by
   * now, from a login that was answered while this request was under way.
   */
  async resume(database: Database, use: Omit<Use, 'acceptsBlitz'>): Promise<void> {
    if (!this.#credential) return;
    const { transport, token, isBlitz } = this.#credential;
    const resumed = await resumeSession(database, token, { ...use, acceptsBlitz: this.#blitz !== null });
    this.session = resumed.session;
    if (transport === 'BEARER') return;
    if (!resumed.session) {
      if (!resumed.isOver && !isBlitz) this.#clearCookie();
      return;
    }
    // A session that was started for a bearer token has no anti-CSRF token; in a cookie it can change nothing.
    this.isIntended = equalSecrets(this.#antiCSRFToken, resumed.session.antiCSRFToken);
    // From the first request on, what Blitz.js had set goes on as a cookie of ours.
    if (resumed.isRenewed || isBlitz) this.#sendCookie(token, resumed.session);
  }

  /** Is read where it is asked for only, which is seldom. */
  get deviceToken(): string | null {
    const [value, ...others] = this.#cookies.device.read(this.#headers);
    // Of two, one was planted, as with a session's.
    return this.#headers.get('x-device-token') ?? (others.length === 0 ? (value ?? null) : null);
  }

  async findVisitor(): Promise<Visitor | null> {
    return this.#blitz && findBlitzVisitor(this.#headers, this.#blitz);
  }

  signIn({ session, token, deviceToken }: StartedSession): void {
    this.session = session;
    if (session.antiCSRFToken === null) {
      this.#clearCookie();
      return;
    }
    this.#sendCookie(token, session);
    if (deviceToken !== null) this.#setDevice = this.#cookies.device.set(deviceToken, deviceLifetimeMs);
  }

  update(session: Session, user?: User): void {
    if (this.session) this.session = { ...session, user: user ?? this.session.user };
  }

  signOut(): void {
    this.session = null;
    this.#clearCookie();
  }

  /** The value of each `Set-Cookie` that the answer needs. Empty if the cookies stay as they are. */
  get setCookies(): string[] {
    return [this.#setSession, this.#setDevice].filter((value) => value !== null);
  }

  /** Leaves clients alone that neither came with the cookie nor were about to get it. */
  #clearCookie(): void {
    const isThere = this.#credential?.transport === 'COOKIE' || this.#setSession !== null;
    if (isThere) this.#setSession = this.#cookies.session.clear();
  }

  #sendCookie(token: string, { expiresAt }: Session): void {
    this.#setSession = this.#cookies.session.set(token, expiresAt.getTime() - this.#now().getTime());
  }
}
