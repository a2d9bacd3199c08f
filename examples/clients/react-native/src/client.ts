import { print } from '@0no-co/graphql.web';
import type { TadaDocumentNode } from 'gql.tada';
import { RequestError } from './request-error.ts';
import { send } from './send.ts';
import type { Tokens } from './tokens.ts';

export type ClientOptions = {
  url: string;
  tokens: Tokens;
  /** Names the device in the list of devices: `ExampleApp/1.0 (iPhone; iOS 19.1)` becomes `ExampleApp on iOS`. */
  userAgent: string;
  /** Is called when the server no longer accepts the session, for example to show the login screen. */
  onSessionOver(): void;
};

/** Sends typed documents with the session as a bearer token. */
export class Client {
  readonly tokens: Tokens;
  readonly #options: ClientOptions;
  /** Ends when no replacement of the token is under way. */
  #rotation: Promise<unknown> = Promise.resolve();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.tokens = options.tokens;
  }

  // #region rotation
  /**
   * Returns the data of one operation.
   *
   * @throws RequestError if the answer has errors, or if there is none
   */
  async request<Data, Variables>(document: TadaDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
    await this.#rotation;
    const { session } = this.tokens;
    try {
      return await this.#send(document, variables);
    } catch (error) {
      if (!isReplaced(error)) throw error;
      await this.#rotation;
      await this.#giveUp(session);
      // The server did nothing. Without a session, a login succeeds, and the rest fails.
      return await this.request(document, variables);
    }
  }

  /**
   * Sends an operation that replaces the token of the session. Other requests wait until the new token is known.
   *
   * @param newToken - returns the token from the result. Null if the operation replaced none
   */
  rotate<Data, Variables>(
    document: TadaDocumentNode<Data, Variables>,
    variables: Variables,
    newToken: (data: Data) => string | null,
  ): Promise<Data> {
    const rotated = this.#rotation.then(async () => {
      const { session } = this.tokens;
      const data = await this.#send(document, variables).catch(async (error) => {
        // The answer of the rotation before was lost.
        if (isReplaced(error)) await this.#giveUp(session);
        throw error;
      });
      const token = newToken(data);
      if (token !== null) await this.tokens.set({ session: token });
      return data;
    });
    this.#rotation = rotated.catch(() => {});
    return rotated;
  }
  // #endregion

  async #send<Data, Variables>(document: TadaDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
    const { url, userAgent } = this.#options;
    // Again, if the store failed before.
    void this.tokens.save();
    const { session, device } = this.tokens;
    const headers = {
      'user-agent': userAgent,
      ...(session && { authorization: `Bearer ${session}` }),
      ...(device && { 'x-device-token': device }),
    };
    const { data, errors } = await send(url, headers, { query: print(document), variables });
    // #region over
    const code = errors?.[0]?.extensions?.code;
    // An ended session is not an error: the viewer is null. Next to an error, null means nothing.
    const isOver = errors ? code === 'UNAUTHENTICATED' : data?.viewer === null;
    if (isOver) await this.#giveUp(session);
    // #endregion
    if (errors) throw new RequestError(code ?? 'UNKNOWN', errors[0]?.message ?? '');
    return data as Data;
  }

  /** Deletes a token that the server does not accept, unless the client has a newer one by now. */
  async #giveUp(session: string | null): Promise<void> {
    if (session === null || this.tokens.session !== session) return;
    await this.tokens.set({ session: null });
    this.#options.onSessionOver();
  }
}

/** Returns whether a request had a token that a rotation replaced while it was on its way, or whose successor was lost. */
function isReplaced(error: unknown): boolean {
  return error instanceof RequestError && error.code === 'SESSION_TOKEN_REPLACED';
}

/** Returns a sentence about a result of a newer server. The compiler demands that all others are handled before. */
export function unknownResult(result: never): string {
  return (result as { message?: string }).message ?? 'Please update this app.';
}
