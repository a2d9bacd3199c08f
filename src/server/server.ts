export type Address = {
  /** The URL of GraphQL under `PUBLIC_URL`. */
  url: string;
  /** The port on which the server listens, chosen by the system if `PORT` is 0. */
  port: number;
};

export type Server = {
  /**
   * Serves over HTTP on `HOST` and `PORT`. Rejects with a sentence if the server cannot listen there. It may then be
   * called again.
   */
  listen(): Promise<Address>;
  /**
   * Answers one request, for a program that has an HTTP server of its own. Needs no `listen`. The path is that of this
   * server, such as `/graphql`, and the host is that of `PUBLIC_URL` or in `ALLOWED_HOSTS`.
   *
   * @param clientAddress - the IP address of the client, or of the proxy if it is in `TRUSTED_PROXIES`. Without it, no
   *   rate limit by address applies.
   */
  fetch(request: Request, clientAddress?: string | null): Promise<Response>;
  /**
   * Reads the files of `TRUSTED_DOCUMENTS` again, which also happens within seconds of a change. Rejects with a sentence
   * if they are not valid; the documents from before then stay in use.
   */
  reloadTrustedDocuments(): Promise<void>;
  /**
   * Ends the server: `/ready` answers 503, requests are answered for `DRAIN_TIME` if the server listens, those in flight
   * are finished, and the database is closed. Further calls return the same promise.
   */
  stop(): Promise<void>;
};
