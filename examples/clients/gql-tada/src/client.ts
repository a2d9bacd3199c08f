import { print } from '@0no-co/graphql.web';
import type { TadaDocumentNode } from 'gql.tada';

/** A failure of the whole request: see the second table of errors in docs/api.md. */
export class RequestError extends Error {
  /** The `extensions.code` of the first error. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Sends typed documents with the session as a bearer token. */
export class Client {
  /** The token of the session. Null if nobody is signed in. */
  sessionToken: string | null = null;
  /** Makes this device trusted at login. It outlives the session. */
  deviceToken: string | null = null;
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Keeps the tokens of a session. */
  keep(tokens: { token: string | null; deviceToken: string | null }): void {
    this.sessionToken = tokens.token;
    // Null if the server knows this device already.
    this.deviceToken = tokens.deviceToken ?? this.deviceToken;
  }

  /**
   * Returns the data of one operation. Deletes the token of the session if the server no longer accepts it.
   *
   * @throws RequestError if the answer has errors
   */
  async request<Data, Variables>(document: TadaDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
    const token = this.sessionToken;
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
        ...(this.deviceToken && { 'x-device-token': this.deviceToken }),
      },
      body: JSON.stringify({ query: print(document), variables }),
    });
    const { data, errors } = await response.json();
    const code = errors?.[0]?.extensions?.code;
    // An ended session is not an error: the viewer is null. Next to an error, null means nothing.
    const isOver = errors ? code === 'UNAUTHENTICATED' : data.viewer === null;
    // The user may have signed in again meanwhile.
    if (isOver && this.sessionToken === token) this.sessionToken = null;
    if (errors) throw new RequestError(code ?? 'UNKNOWN', errors[0].message);
    return data;
  }
}

/** Returns a sentence about a result of a newer server. The compiler demands that all others are handled before. */
export function unknownResult(result: never): string {
  return (result as { message?: string }).message ?? 'Please update this app.';
}
