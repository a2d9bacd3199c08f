import type { Database } from '../database/database.ts';
import type { Caller } from '../graphql/context.ts';
import { resumeSession, type Use } from '../sessions/resume.ts';
import type { Session, SessionWithUser } from '../sessions/session.ts';
import type { StartedSession } from '../sessions/start.ts';
import { equalSecrets } from '../token.ts';
import type { User } from '../users/user.ts';
import { type Credential, readCredential, type SessionCookie } from './credentials.ts';
import type { HeaderReader } from './request-facts.ts';

/** Who sends a request, and what its answer does to the cookie. */
export class RequestCaller implements Caller {
  session: SessionWithUser | null = null;
  isIntended = true;
  readonly #cookie: SessionCookie;
  readonly #credential: Credential | null;
  readonly #antiCSRFToken: string | null;
  readonly #now: () => Date;
  #setCookie: string | null = null;

  constructor(headers: HeaderReader, cookie: SessionCookie, now: () => Date) {
    this.#cookie = cookie;
    this.#credential = readCredential(headers, cookie);
    this.#antiCSRFToken = headers.get('anti-csrf');
    this.#now = now;
  }

  /**
   * Finds the session of the credential. A cookie that never opened one is cleared, so that it is not sent for ever;
   * one whose session was renewed is sent again. One whose session is over stays: the browser may have a newer one by
   * now, from a login that was answered while this request was under way.
   */
  async resume(database: Database, use: Use): Promise<void> {
    if (!this.#credential) return;
    const { transport, token } = this.#credential;
    const resumed = await resumeSession(database, token, use);
    this.session = resumed.session;
    if (transport === 'BEARER') return;
    if (!resumed.session) {
      if (!resumed.isOver) this.#clearCookie();
      return;
    }
    // A session that was started for a bearer token has no anti-CSRF token; in a cookie it can change nothing.
    this.isIntended = equalSecrets(this.#antiCSRFToken, resumed.session.antiCSRFToken);
    if (resumed.isRenewed) this.#sendCookie(token, resumed.session);
  }

  signIn({ session, token }: StartedSession): void {
    this.session = session;
    if (session.antiCSRFToken !== null) this.#sendCookie(token, session);
    else this.#clearCookie();
  }

  update(session: Session, user?: User): void {
    if (this.session) this.session = { ...session, user: user ?? this.session.user };
  }

  signOut(): void {
    this.session = null;
    this.#clearCookie();
  }

  /** The value of `Set-Cookie` that the answer needs, or null if the cookie stays as it is. */
  get setCookie(): string | null {
    return this.#setCookie;
  }

  /** Leaves clients alone that neither came with the cookie nor were about to get it. */
  #clearCookie(): void {
    if (this.#credential?.transport === 'COOKIE' || this.#setCookie !== null) this.#setCookie = this.#cookie.clear();
  }

  #sendCookie(token: string, { expiresAt }: Session): void {
    this.#setCookie = this.#cookie.set(token, expiresAt.getTime() - this.#now().getTime());
  }
}
