/** The codes with which this server closes WebSockets. Clients of graphql-ws connect again after those below 2000. */
export const closeCodes = {
  /** The server stops, or the credential was replaced (RFC 6455, registry of close codes). */
  serviceRestart: 1012,
  /** The client reads too slowly, has too many connections, or the database does not answer. */
  tryAgainLater: 1013,
  internalError: 1011,
  /** A message of another form (graphql-transport-ws). */
  badRequest: 4400,
  /** No valid credential, or its session has ended. Clients do not try again. */
  unauthorized: 4401,
} as const;
