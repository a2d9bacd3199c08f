import { PothosValidationError } from '@pothos/core';
import { GraphQLError } from 'graphql';
import { isUnavailable } from '../database/failures.ts';
import {
  AccountSuspendedError,
  EmailTakenError,
  InvalidCredentialsError,
  LastAdministratorError,
  RateLimitedError,
  ReauthenticationRequiredError,
  RequestError,
  type RequestErrorCode,
  SessionNotFoundError,
  TokenInvalidError,
  type UserError,
  type UserErrorCode,
  UserNotFoundError,
  userErrorCodes,
  ValidationError,
  type ValidationIssue,
} from '../errors.ts';
import { builder } from './builder.ts';

const UserErrorCodeEnum = builder.enumType('UserErrorCode', {
  description: 'Why something was refused. The codes are stable; more may be added.',
  values: Object.fromEntries(
    Object.entries(userErrorCodes).map(([code, description]) => [code, { value: code, description }]),
  ) as Record<UserErrorCode, { value: UserErrorCode; description: string }>,
});

const UserErrorInterface = builder.interfaceRef<UserError>('UserError').implement({
  access: 'parent',
  description: 'A refusal that the caller can do something about.',
  fields: (t) => ({
    code: t.expose('code', { type: UserErrorCodeEnum, description: 'For programs: stable.' }),
    message: t.exposeString('message', { description: 'For people: what is wrong and what to do, in English.' }),
  }),
});

const ValidationIssueType = builder.objectRef<ValidationIssue>('ValidationIssue').implement({
  access: 'parent',
  description: 'What is wrong with one value.',
  fields: (t) => ({
    path: t.exposeStringList('path', { description: 'Leads to the value from the arguments of the field.' }),
    message: t.exposeString('message', { description: 'For people: what is wrong and what to do, in English.' }),
  }),
});

/** Refusals that have nothing but their code and message, and what each means. */
const plainRefusals: [type: new () => UserError, description: string][] = [
  [InvalidCredentialsError, 'The email or the password is wrong; deliberately not which.'],
  [EmailTakenError, 'Another account already has this email address.'],
  [SessionNotFoundError, 'There is no such session, or it is somebody else’s; deliberately not which.'],
  [ReauthenticationRequiredError, 'The password was proved too long ago for this. `reauthenticate`, then repeat.'],
  [UserNotFoundError, 'There is no such user.'],
  [AccountSuspendedError, 'The account is suspended. Told only to whoever proved to be its user.'],
  [TokenInvalidError, 'The link was never given out, was used, has expired or was replaced; deliberately not which.'],
  [LastAdministratorError, 'There would be no administrator left who can sign in.'],
];

for (const [type, description] of plainRefusals) {
  builder.objectType(type, { access: 'parent', name: type.name, description, interfaces: [UserErrorInterface] });
}

builder.objectType(ValidationError, {
  access: 'parent',
  name: 'ValidationError',
  description: 'Something that was sent is not acceptable, and nothing was done.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    issues: t.expose('issues', { type: [ValidationIssueType], description: 'Everything that is wrong, at least one.' }),
  }),
});

builder.objectType(RateLimitedError, {
  access: 'parent',
  name: 'RateLimitedError',
  description: 'That was tried too often, for this account or from this address. Nothing was checked.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'In how many seconds it may be tried again, at least 1.',
    }),
  }),
});

/** Fails closed: a database that does not answer is never taken for a session that is not there. */
function serviceUnavailable(position: object): GraphQLError {
  const http = { status: 503, headers: { 'retry-after': '1' } };
  return new GraphQLError('The database does not answer. Try again in a moment.', {
    ...position,
    extensions: { code: 'SERVICE_UNAVAILABLE' satisfies RequestErrorCode, http },
  });
}

/** Statuses of refusals that a proxy or a client library should understand without reading the answer. */
const statuses: Partial<Record<RequestErrorCode, number>> = {
  SESSION_TOKEN_REPLACED: 409,
  RATE_LIMITED: 429,
  SERVER_OVERLOADED: 503,
};

function refusal({ message, code, retryAfterSeconds }: RequestError, position: object): GraphQLError {
  const status = statuses[code];
  const headers = retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) };
  const http = status === undefined ? {} : { http: { status, headers } };
  return new GraphQLError(message, { ...position, extensions: { code, ...http } });
}

/**
 * What a client is told about an error that was thrown: refusals with their code, GraphQL's own errors as they are,
 * and of everything else only that it happened.
 */
export function maskError(error: unknown, message: string, report: (error: unknown) => void): GraphQLError {
  const original = error instanceof GraphQLError ? error.originalError : error;
  const position = error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
  // What a client sent where a cursor belongs, for example.
  if (original instanceof PothosValidationError) {
    const extensions = { code: 'BAD_USER_INPUT' satisfies RequestErrorCode };
    return new GraphQLError(original.message, { ...position, extensions });
  }
  if (error instanceof GraphQLError && !original) return error;
  if (original instanceof GraphQLError) return error as GraphQLError;
  if (original instanceof RequestError) return refusal(original, position);
  if (isUnavailable(original)) return serviceUnavailable(position);
  report(original);
  // Without a position nothing was executed, and the whole request failed.
  const status = 'path' in position && position.path ? {} : { http: { status: 500 } };
  return new GraphQLError(message, { ...position, extensions: { code: 'INTERNAL_SERVER_ERROR', ...status } });
}
