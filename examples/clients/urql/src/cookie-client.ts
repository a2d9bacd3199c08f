import { type Exchange, makeOperation, mapExchange } from '@urql/core';
import { Account, isSessionOver, type Payload } from './account.ts';
import { antiCSRFTokenQuery } from './operations.ts';

/** Sends the session cookie, and the anti-CSRF token with it. */
export class CookieAccount extends Account {
  readonly transport = 'COOKIE';
  #antiCSRFToken: string | null = null;

  /** Asks for the anti-CSRF token after a reload. It stays null if no session is open. */
  async resume(): Promise<void> {
    const { data, error } = await this.urql.query(antiCSRFTokenQuery, {}, { requestPolicy: 'network-only' });
    if (error) throw error;
    this.#antiCSRFToken = data?.currentSession?.antiCSRFToken ?? null;
  }

  keep({ antiCSRFToken }: Payload): void {
    this.#antiCSRFToken = antiCSRFToken;
  }

  forget(): void {
    this.#antiCSRFToken = null;
  }

  protected credentials(): Exchange {
    return mapExchange({
      onOperation: (operation) => {
        const token = this.#antiCSRFToken;
        const headers: Record<string, string> = token ? { 'anti-csrf': token } : {};
        // For a server of another origin, which must allow that of the page.
        const fetchOptions = { headers, credentials: 'include' } as const;
        return makeOperation(operation.kind, operation, { ...operation.context, token, fetchOptions });
      },
      onResult: (result) => {
        const token = this.#antiCSRFToken;
        // A login may have replaced the token while the request was on its way.
        if (token === null || result.operation.context.token !== token || !isSessionOver(result)) return;
        this.forget();
        this.reset();
      },
    });
  }
}
