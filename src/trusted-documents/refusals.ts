/** The refusals of documents, with the codes of Apollo Router and GraphQL Yoga. */
import { GraphQLError } from 'graphql';
import type { TrustedDocumentsMode } from '../config/graphql/trusted-documents.ts';
import type { RequestErrorCode } from '../errors.ts';

/** Of a request as a whole: 200 for clients that accept only `application/json`, as for other refused documents. */
const badRequest = { status: 400, spec: true };

function refusal(code: RequestErrorCode, message: string, http: object = badRequest): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http } });
}

/** Returns the refusal of parameters that contradict the protocol. */
export function badParameter(message: string): GraphQLError {
  return refusal('BAD_USER_INPUT', message);
}

/** Returns the refusal of a text beside an id: one of the two would be ignored. */
export function textBesideId(): GraphQLError {
  return refusal('CANNOT_SEND_PQ_ID_AND_BODY', 'The request has both query and documentId. Send one of them.');
}

/** Returns the refusal of a document as text, in the mode `only`. */
export function idRequired(): GraphQLError {
  const message = 'This server executes only trusted documents. Send the documentId of one, and no query.';
  return refusal('PERSISTED_QUERY_ID_REQUIRED', message, { status: 403 });
}

/**
 * Returns the refusal of an unknown id. Apollo's clients send the text instead if they read `PersistedQueryNotFound` or,
 * for all later requests too, `PersistedQueryNotSupported`, as the message or its code. In the mode `only` that would be
 * refused, so the code is another one.
 *
 * @param mode - null if there are no trusted documents
 * @param isHash - whether the id was sent as `extensions.persistedQuery`
 */
export function unknownId(mode: TrustedDocumentsMode | null, isHash: boolean): GraphQLError {
  const advice = 'No trusted document has this id. Send the document itself, as query.';
  if (mode === null) {
    return refusal('PERSISTED_QUERY_NOT_SUPPORTED', isHash ? 'PersistedQueryNotSupported' : advice);
  }
  if (mode !== 'only') return refusal('PERSISTED_QUERY_NOT_FOUND', isHash ? 'PersistedQueryNotFound' : advice);
  return refusal('PERSISTED_QUERY_NOT_IN_LIST', 'No trusted document has this id. The application may be out of date.');
}
