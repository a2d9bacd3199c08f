import type { Db } from '../database/database.ts';
import type { Caller } from '../graphql/context.ts';
import { resumeSession } from '../sessions/resume.ts';
import type { SessionWithUser } from '../sessions/session.ts';
import type { StartedSession } from '../sessions/start.ts';
import { equalSecrets } from '../sessions/token.ts';
import { type Credential, readCredential, type SessionCookie } from './credentials.ts';

/** Who sends a request, and what its answer does to the cookie. */
export class RequestCaller implements Caller {
  session: SessionWithUser | null = null;
  isIntended = true;
  readonly #cookie: SessionCookie;
  readonly #credential: Credential | null;
  readonly #antiCSRFToken: string | null;
  #setCookie: string | null = null;

  constructor(headers: Headers, cookie: SessionCookie) {
    this.#cookie = cookie;
    this.#credential = readCredential(headers, cookie);
    this.#antiCSRFToken = headers.get('anti-csrf');
  }

  /** Finds the session of the credential. A cookie that opens none is cleared, so that it is not sent for ever. */
  async resume(db: Db, now: Date): Promise<void> {
    if (!this.#credential) return;
    const { transport, token } = this.#credential;
    this.session = await resumeSession(db, token, now);
    if (transport === 'BEARER') return;
    if (!this.session) {
      this.#setCookie = this.#cookie.clear();
      return;
    }
    // A session that was started for a bearer token has no anti-CSRF token; in a cookie it can change nothing.
    this.isIntended = equalSecrets(this.#antiCSRFToken, this.session.antiCSRFToken);
  }

  signIn({ session, token }: StartedSession): void {
    this.session = session;
    if (session.antiCSRFToken !== null) {
      const lifetimeMs = session.expiresAt.getTime() - session.createdAt.getTime();
      this.#setCookie = this.#cookie.set(token, lifetimeMs);
    } else if (this.#credential?.transport === 'COOKIE') {
      this.#setCookie = this.#cookie.clear();
    }
  }

  signOut(): void {
    this.session = null;
    if (this.#credential?.transport === 'COOKIE' || this.#setCookie !== null) this.#setCookie = this.#cookie.clear();
  }

  /** The value of `Set-Cookie` that the answer needs, or null if the cookie stays as it is. */
  get setCookie(): string | null {
    return this.#setCookie;
  }
}
