import { PothosValidationError } from '@pothos/core';
import { GraphQLError } from 'graphql';
import { isUnavailable } from '../database/failures.ts';
import {
  AccountSuspendedError,
  AudienceNotAllowedError,
  ChallengeInvalidError,
  type ChallengeProblem,
  challengeProblems,
  DeviceNotFoundError,
  EmailTakenError,
  EncryptionKeysMissingError,
  FactorNotFoundError,
  InvalidCredentialsError,
  LastAdministratorError,
  LastFactorError,
  PasskeyExistsError,
  PasskeyLimitError,
  type PasskeyProblem,
  PasskeyRejectedError,
  ProofOfWorkRequiredError,
  passkeyProblems,
  RateLimitedError,
  RequestError,
  type RequestErrorCode,
  SecondFactorNeededError,
  ServiceClientNotFoundError,
  SessionNotFoundError,
  TokenInvalidError,
  type UserError,
  type UserErrorCode,
  UserNotFoundError,
  UsernameTakenError,
  userErrors,
  ValidationError,
  type ValidationIssue,
  WebhookDeliveryNotFoundError,
  WebhookNotFoundError,
} from '../errors.ts';
import { builder } from './builder.ts';

const UserErrorCodeEnum = builder.enumType('UserErrorCode', {
  description: 'The reason of a refusal. Codes are stable; more may be added.',
  values: Object.fromEntries(
    Object.entries(userErrors).map(([code, { description }]) => [code, { value: code, description }]),
  ) as Record<UserErrorCode, { value: UserErrorCode; description: string }>,
});

const messageDescription = 'For people, in English: the problem and its solution.';

export const UserErrorInterface = builder.interfaceRef<UserError>('UserError').implement({
  access: 'parent',
  description: 'A refusal that the caller can act on.',
  fields: (t) => ({
    code: t.expose('code', { type: UserErrorCodeEnum, description: 'For programs: stable.' }),
    message: t.exposeString('message', { description: messageDescription }),
  }),
});

const ValidationIssueType = builder.objectRef<ValidationIssue>('ValidationIssue').implement({
  access: 'parent',
  description: 'A problem with one value.',
  fields: (t) => ({
    path: t.exposeStringList('path', { description: 'The path to the value, from the arguments of the field.' }),
    message: t.exposeString('message', { description: messageDescription }),
  }),
});

/** The refusals without fields of their own. */
const plainErrors: ((new () => UserError) & { code: UserErrorCode })[] = [
  InvalidCredentialsError,
  EmailTakenError,
  UsernameTakenError,
  SessionNotFoundError,
  DeviceNotFoundError,
  UserNotFoundError,
  ServiceClientNotFoundError,
  AccountSuspendedError,
  TokenInvalidError,
  LastAdministratorError,
  AudienceNotAllowedError,
  WebhookNotFoundError,
  WebhookDeliveryNotFoundError,
  EncryptionKeysMissingError,
  FactorNotFoundError,
  SecondFactorNeededError,
  PasskeyExistsError,
  PasskeyLimitError,
  LastFactorError,
];

for (const type of plainErrors) {
  const { description } = userErrors[type.code];
  builder.objectType(type, { access: 'parent', name: type.name, description, interfaces: [UserErrorInterface] });
}

builder.objectType(ValidationError, {
  access: 'parent',
  name: 'ValidationError',
  description: userErrors.VALIDATION_FAILED.description,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    issues: t.expose('issues', { type: [ValidationIssueType], description: 'All problems: at least one.' }),
  }),
});

builder.objectType(RateLimitedError, {
  access: 'parent',
  name: 'RateLimitedError',
  description: userErrors.RATE_LIMITED.description,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'The number of seconds after which a retry may succeed: at least 1.',
    }),
  }),
});

builder.objectType(ProofOfWorkRequiredError, {
  access: 'parent',
  name: 'ProofOfWorkRequiredError',
  description: userErrors.PROOF_OF_WORK_REQUIRED.description,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    puzzle: t.field({
      type: 'JSON',
      description:
        'The puzzle: a challenge in the form of ALTCHA (proof of work 2). Valid for five minutes, once, and for this ' +
        'address.',
      resolve: ({ puzzle }) => puzzle,
    }),
  }),
});

const ChallengeProblemEnum = builder.enumType('ChallengeProblem', {
  description: 'Why a challenge cannot be answered.',
  values: Object.fromEntries(
    Object.entries(challengeProblems).map(([reason, description]) => [reason, { value: reason, description }]),
  ) as Record<ChallengeProblem, { value: ChallengeProblem; description: string }>,
});

builder.objectType(ChallengeInvalidError, {
  access: 'parent',
  name: 'ChallengeInvalidError',
  description: userErrors.CHALLENGE_INVALID.description,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    reason: t.expose('reason', { type: ChallengeProblemEnum, description: 'For programs: stable.' }),
  }),
});

const PasskeyProblemEnum = builder.enumType('PasskeyProblem', {
  description: 'Why the answer of a passkey is not accepted.',
  values: Object.fromEntries(
    Object.entries(passkeyProblems).map(([reason, description]) => [reason, { value: reason, description }]),
  ) as Record<PasskeyProblem, { value: PasskeyProblem; description: string }>,
});

builder.objectType(PasskeyRejectedError, {
  access: 'parent',
  name: 'PasskeyRejectedError',
  description: userErrors.PASSKEY_REJECTED.description,
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    reason: t.expose('reason', { type: PasskeyProblemEnum, description: 'For programs: stable.' }),
  }),
});

/** Returns the failure for a database that does not answer. Fails closed: such a caller never counts as signed out. */
function serviceUnavailable(position: object): GraphQLError {
  const http = { status: 503, headers: { 'retry-after': '1' } };
  return new GraphQLError('The database does not answer. Try again in a moment.', {
    ...position,
    extensions: { code: 'SERVICE_UNAVAILABLE' satisfies RequestErrorCode, http },
  });
}

/** HTTP statuses for refusals that proxies and client libraries must understand without reading the body. */
const statuses: Partial<Record<RequestErrorCode, number>> = {
  SERVICE_KEY_INVALID: 401,
  SESSION_TOKEN_REPLACED: 409,
  RATE_LIMITED: 429,
  NOT_A_SUBSCRIPTION: 400,
  TOO_MANY_STREAMS: 429,
  SERVER_OVERLOADED: 503,
};

/** Returns the status and the headers of a refused request. The status is undefined if it tells nothing. */
export function httpOf({ code, retryAfterSeconds }: RequestError): {
  status: number | undefined;
  headers: Record<string, string>;
} {
  const headers: Record<string, string> =
    retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) };
  return { status: statuses[code], headers };
}

function refusal(error: RequestError, position: object): GraphQLError {
  const { message, code, details } = error;
  const { status, headers } = httpOf(error);
  const http = status === undefined ? {} : { http: { status, headers } };
  return new GraphQLError(message, { ...position, extensions: { ...details, code, ...http } });
}

/** The receivers of failures that clients only learn the existence of. */
export type Reports = {
  /** Is called once with every unexpected error. */
  report: (error: unknown) => void;
  /** Is called with every failure of the database that a later request may not meet. Not called by default. */
  reportUnavailable?: ((error: unknown) => void) | undefined;
};

/** Returns an error of GraphQL with a code. Those of an operation that cannot be executed as it is sent have none. */
function withCode(error: GraphQLError): GraphQLError {
  if (error.extensions.code !== undefined) return error;
  const { message, nodes = null, path = null, extensions } = error;
  const code = 'BAD_USER_INPUT' satisfies RequestErrorCode;
  return new GraphQLError(message, { nodes, path, extensions: { ...extensions, code } });
}

/**
 * Returns the error that the client sees: a refusal with its code, an error of GraphQL itself with one, and for
 * everything else only that it happened. Reports the latter, and failures of the database.
 */
export function maskError(error: unknown, message: string, { report, reportUnavailable }: Reports): GraphQLError {
  const original = error instanceof GraphQLError ? error.originalError : error;
  const position = error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
  // Such as a malformed cursor.
  if (original instanceof PothosValidationError) {
    const extensions = { code: 'BAD_USER_INPUT' satisfies RequestErrorCode };
    return new GraphQLError(original.message, { ...position, extensions });
  }
  if (error instanceof GraphQLError && (!original || original instanceof GraphQLError)) return withCode(error);
  if (original instanceof RequestError) return refusal(original, position);
  if (isUnavailable(original)) {
    reportUnavailable?.(original);
    return serviceUnavailable(position);
  }
  report(original);
  // Without a position, nothing was executed: the whole request failed.
  const status = 'path' in position && position.path ? {} : { http: { status: 500 } };
  return new GraphQLError(message, { ...position, extensions: { code: 'INTERNAL_SERVER_ERROR', ...status } });
}
