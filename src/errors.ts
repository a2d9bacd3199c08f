/** Every way this server says no, and its code. */

/** Codes of refusals that a caller can do something about. They are stable; messages are for people. */
export const userErrorCodes = {
  INVALID_CREDENTIALS: 'The email and the password do not belong together.',
  VALIDATION_FAILED: 'Something that was sent is not acceptable; the issues say what.',
  EMAIL_TAKEN: 'Another account already has this email address.',
  SESSION_NOT_FOUND: 'There is no such session, or it is not yours.',
  REAUTHENTICATION_REQUIRED: 'The password was proved too long ago: call `reauthenticate`, then repeat.',
  USER_NOT_FOUND: 'There is no such user.',
  RATE_LIMITED: 'That was tried too often. Wait as long as it says.',
  ACCOUNT_SUSPENDED: 'The account is suspended. Its administrators can say why.',
  TOKEN_INVALID: 'The link was used, has expired, or was replaced by a newer one.',
  LAST_ADMINISTRATOR: 'There would be no administrator left.',
} as const;

export type UserErrorCode = keyof typeof userErrorCodes;

/** A refusal that belongs into the result of a mutation, as data. */
export abstract class UserError extends Error {
  abstract readonly code: UserErrorCode;
}

/** Deliberately the same for an unknown email and a wrong password. */
export class InvalidCredentialsError extends UserError {
  readonly code = 'INVALID_CREDENTIALS';

  constructor(message = 'The email or the password is wrong.') {
    super(message);
  }
}

/** The refusal of a wrong password, which carries how long its answer has to wait (see `requirePassword`). */
export class WrongPasswordError extends InvalidCredentialsError {
  readonly delayMs: number;

  constructor(delayMs: number) {
    super();
    this.delayMs = delayMs;
  }
}

/** The password was right when it was checked, and what is stored is another one, or another hash of it, by now. */
export class PasswordChangedError extends InvalidCredentialsError {}

/** What is wrong with one value. `path` leads to it from the arguments of the field. */
export type ValidationIssue = { path: string[]; message: string };

export class ValidationError extends UserError {
  readonly code = 'VALIDATION_FAILED';
  readonly issues: ValidationIssue[];

  constructor(issues: ValidationIssue[]) {
    super(issues.map((issue) => issue.message).join(' '));
    this.issues = issues;
  }
}

export class EmailTakenError extends UserError {
  readonly code = 'EMAIL_TAKEN';

  constructor() {
    super('This email address is taken. Log in instead, or use another one.');
  }
}

/** Deliberately the same for a session that does not exist and one that is somebody else's. */
export class SessionNotFoundError extends UserError {
  readonly code = 'SESSION_NOT_FOUND';

  constructor() {
    super('There is no such session.');
  }
}

/** The act needs the password to have been proved a short while ago. */
export class ReauthenticationRequiredError extends UserError {
  readonly code = 'REAUTHENTICATION_REQUIRED';

  constructor() {
    super('Prove the password again with the mutation reauthenticate, then repeat this.');
  }
}

/** Only for administrators, who may know who has an account. */
export class UserNotFoundError extends UserError {
  readonly code = 'USER_NOT_FOUND';

  constructor() {
    super('There is no such user.');
  }
}

/** Tried too often: an account, or an address, has to wait. */
export class RateLimitedError extends UserError {
  readonly code = 'RATE_LIMITED';
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super(`That was tried too often. Try again in ${retryAfterSeconds} seconds.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Only for whoever has proved to be the user: to others, a suspended account is like any other. */
export class AccountSuspendedError extends UserError {
  readonly code = 'ACCOUNT_SUSPENDED';

  constructor() {
    super('This account is suspended.');
  }
}

/** Deliberately the same for a link that was never given out, was used, has expired, or was replaced. */
export class TokenInvalidError extends UserError {
  readonly code = 'TOKEN_INVALID';

  constructor() {
    super('This link is not valid (any more). Ask for a new one.');
  }
}

/** What would leave nobody to administer the server. */
export class LastAdministratorError extends UserError {
  readonly code = 'LAST_ADMINISTRATOR';

  constructor() {
    super('This is the last administrator. Make somebody else one first.');
  }
}

/** Codes of failures of the caller or the system, which stand in `errors`. */
export type RequestErrorCode =
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'CSRF_TOKEN_INVALID'
  | 'SESSION_TOKEN_REPLACED'
  | 'RATE_LIMITED'
  | 'SERVER_OVERLOADED'
  | 'SERVICE_UNAVAILABLE';

/** A failure of the caller, or of the system: thrown, to stand in `errors` with `extensions.code`. */
export class RequestError extends Error {
  readonly code: RequestErrorCode;
  /** When it may be worth trying again. Null where that would change nothing. */
  readonly retryAfterSeconds: number | null;

  constructor(code: RequestErrorCode, message: string, retryAfterSeconds: number | null = null) {
    super(message);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The refusal of what only somebody who is signed in may do. */
export function notSignedIn(): RequestError {
  return new RequestError('UNAUTHENTICATED', 'Nobody is signed in. Log in first.');
}

/** The refusal of a request that was sent with a token which another one has replaced meanwhile. */
export function tokenReplaced(): RequestError {
  const message = 'This session has a new token. Send the request again with it.';
  return new RequestError('SESSION_TOKEN_REPLACED', message, 1);
}

/** Why the server or a command cannot begin: a sentence for whoever started it, never a stack trace. */
export class OperatorError extends Error {}
