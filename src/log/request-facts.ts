/**
 * The facts about a request that logs and metrics tell. The steps of the request add each fact when they learn it. They
 * hold no text of the client but the name of its operation, which is a name of GraphQL.
 */
export type RequestFacts = {
  /** The id of the request: of a trusted proxy, or new. */
  readonly id: string;
  /** The id of its trace, in 32 hex digits. Null if traces are off. */
  traceId: string | null;
  /** The path that answered, as the server names it. Null if none did. */
  route: string | null;
  operationType: string | null;
  /** The name of the operation. Null if it has none, or was refused before its execution. */
  operationName: string | null;
  /** The code of the first error, or of the first refusal in the data. Null for a success. */
  code: string | null;
  /** The handle of the session, which is not secret. Of a session that the request ended, too. */
  sessionHandle: string | null;
  userId: bigint | null;
};

/** Returns the facts at the beginning of a request: only its id is known. */
export function newRequestFacts(id: string): RequestFacts {
  return {
    id,
    traceId: null,
    route: null,
    operationType: null,
    operationName: null,
    code: null,
    sessionHandle: null,
    userId: null,
  };
}
