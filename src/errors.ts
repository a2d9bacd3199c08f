/** Defines every refusal of this server, and its code. */

/**
 * Defines the refusals that the caller can act on, by code. Codes are stable. Messages go to people, descriptions into
 * the schema. Where a message is missing, the class composes it.
 */
export const userErrors = {
  INVALID_CREDENTIALS: {
    message: 'The email or the password is wrong.',
    description: 'The email or the password is wrong. The error deliberately does not tell which.',
  },
  VALIDATION_FAILED: {
    description: 'At least one value is not valid, and nothing was changed. `issues` describes each problem.',
  },
  EMAIL_TAKEN: {
    message: 'This email address is taken. Log in instead, or use another address.',
    description: 'Another account already has this email address.',
  },
  USERNAME_TAKEN: {
    message: 'This username is not available. Choose another one.',
    description: 'Another account has this username or one that looks like it, or nobody may have it at present.',
  },
  SESSION_NOT_FOUND: {
    message: 'There is no such session.',
    description: 'The session does not exist, or belongs to another user. The error deliberately does not tell which.',
  },
  DEVICE_NOT_FOUND: {
    message: 'There is no such trusted device.',
    description:
      'The trusted device does not exist, or belongs to another user. The error deliberately does not tell which.',
  },
  REAUTHENTICATION_REQUIRED: {
    message: 'Prove your identity again with the mutation reauthenticate, then retry.',
    description:
      'The recent proofs of the identity do not suffice for this operation, and nothing was done. Call `reauthenticate` ' +
      'with one of the `methods`, then retry.',
  },
  USER_NOT_FOUND: {
    message: 'There is no such user.',
    description: 'The user does not exist.',
  },
  SERVICE_CLIENT_NOT_FOUND: {
    message: 'There is no such service client.',
    description: 'The service client does not exist.',
  },
  WEBHOOK_NOT_FOUND: {
    message: 'There is no such webhook.',
    description: 'The webhook does not exist.',
  },
  WEBHOOK_DELIVERY_NOT_FOUND: {
    message: 'There is no such delivery. It may have been deleted after its retention.',
    description: 'The delivery of an event to a webhook does not exist, or no longer.',
  },
  ENCRYPTION_KEYS_MISSING: {
    message:
      'The operator has to set ENCRYPTION_KEYS first, because this secret is stored encrypted. ' +
      '`create-encryption-key` makes a key.',
    description: 'This server has no encryption keys, so it cannot store a secret that it has to read again.',
  },
  RATE_LIMITED: {
    description: 'Too many attempts for this account or from this address. Nothing was checked. Wait, then retry.',
  },
  PROOF_OF_WORK_REQUIRED: {
    message:
      'Too many attempts have failed. Solve the puzzle, and send the solution as proofOfWork with the next attempt.',
    description:
      'Many attempts from this address have failed. Nothing was checked. Solve `puzzle`, and send the solution as ' +
      '`proofOfWork`.',
  },
  ACCOUNT_SUSPENDED: {
    message: 'This account is suspended.',
    description:
      'The account is suspended. Only the right password, or the right link or code in a mail, gets this error. ' +
      'Administrators know the reason.',
  },
  TOKEN_INVALID: {
    message: 'This link is not valid, or no longer valid. Request a new one.',
    description:
      'The link is unknown, used, expired or replaced by a newer one. The error deliberately does not tell which.',
  },
  CHALLENGE_INVALID: {
    description:
      'The challenge cannot be answered any more, or not by this client: `reason` tells why. Begin the operation again.',
  },
  FACTOR_NOT_FOUND: {
    message: 'The account has no such factor.',
    description: 'The account has no such factor.',
  },
  SECOND_FACTOR_NEEDED: {
    description:
      'Sign-ins of this account need a second factor, because of its role or of an authenticator app. The message ' +
      'tells which.',
  },
  PASSKEY_REJECTED: {
    description: 'The answer of the passkey is not accepted: `reason` tells why.',
  },
  PASSKEY_EXISTS: {
    message: 'This passkey was added already. Use it, or make another one.',
    description: 'The passkey was added before, to this account or to another one.',
  },
  PASSKEY_LIMIT: {
    message: 'The account has 20 passkeys, and may have no more. Delete one first.',
    description: 'The account has as many passkeys as it may have.',
  },
  LAST_FACTOR: {
    message: 'The account needs this factor. Add another one first.',
    description:
      'Without this factor, the user could not sign in any more: it is the last one of its kind that is left.',
  },
  LAST_ADMINISTRATOR: {
    message: 'This is the last administrator. Make another user an administrator first.',
    description: 'The operation would leave no administrator who can sign in.',
  },
  AUDIENCE_NOT_ALLOWED: {
    message:
      'This server issues no access tokens for this audience. The operator allows audiences with ' +
      'ACCESS_TOKEN_AUDIENCES.',
    description: 'The operator allows no access tokens for this audience, or none at all. The message tells which.',
  },
} as const satisfies Record<string, { message?: string; description: string }>;

export type UserErrorCode = keyof typeof userErrors;

/** Refuses an operation, as data in the result of a mutation. */
export abstract class UserError extends Error {
  readonly code: UserErrorCode;

  constructor(code: UserErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The codes of refusals whose messages say it all. */
type CodeWithMessage = {
  [Code in UserErrorCode]: (typeof userErrors)[Code] extends { message: string } ? Code : never;
}[UserErrorCode];

/** Returns the base class of refusals with no fields but the code and the message. */
function plainError(code: CodeWithMessage) {
  return class extends UserError {
    static readonly code = code;

    constructor(message: string = userErrors[code].message) {
      super(code, message);
    }
  };
}

/** Refuses an unknown email and a wrong password in the same way, on purpose. */
export class InvalidCredentialsError extends plainError('INVALID_CREDENTIALS') {}

/** The refusal of a wrong password, which carries how long its answer has to wait (see `requirePassword`). */
export class WrongPasswordError extends InvalidCredentialsError {
  readonly delayMs: number;

  constructor(delayMs: number) {
    super();
    this.delayMs = delayMs;
  }
}

/** Refuses a password that was right when it was checked: another password or hash has been stored since. */
export class PasswordChangedError extends InvalidCredentialsError {}

/** Describes a problem with one value. `path` leads to the value from the arguments of the field. */
export type ValidationIssue = { path: string[]; message: string };

/** Refuses values that are not valid, with all their problems. */
export class ValidationError extends UserError {
  readonly issues: ValidationIssue[];

  constructor(issues: ValidationIssue[]) {
    super('VALIDATION_FAILED', issues.map((issue) => issue.message).join(' '));
    this.issues = issues;
  }
}

/** Refuses an email address that another account has. */
export class EmailTakenError extends plainError('EMAIL_TAKEN') {}

/** Refuses a username that the user cannot have, for any reason. */
export class UsernameTakenError extends plainError('USERNAME_TAKEN') {}

/** Refuses a session that does not exist and a session of another user in the same way, on purpose. */
export class SessionNotFoundError extends plainError('SESSION_NOT_FOUND') {}

/** Refuses a trusted device that does not exist and one of another user in the same way, on purpose. */
export class DeviceNotFoundError extends plainError('DEVICE_NOT_FOUND') {}

/** Refuses an operation that needs more recent proofs of the identity, or proofs of more factors. */
export class ReauthenticationRequiredError extends UserError {
  /** The level that recent proofs have to reach. */
  readonly level: number;
  /** The maximum age of these proofs. */
  readonly withinMs: number;

  constructor({ level, withinMs }: { level: number; withinMs: number }) {
    super('REAUTHENTICATION_REQUIRED', userErrors.REAUTHENTICATION_REQUIRED.message);
    this.level = level;
    this.withinMs = withinMs;
  }
}

/** Tells administrators, who may know which accounts exist, that a user does not. */
export class UserNotFoundError extends plainError('USER_NOT_FOUND') {}

/** Tells administrators and operators that a service client does not exist. */
export class ServiceClientNotFoundError extends plainError('SERVICE_CLIENT_NOT_FOUND') {}

/** Tells administrators and operators that a webhook does not exist. */
export class WebhookNotFoundError extends plainError('WEBHOOK_NOT_FOUND') {}

/** Tells administrators and operators that a delivery to a webhook does not exist. */
export class WebhookDeliveryNotFoundError extends plainError('WEBHOOK_DELIVERY_NOT_FOUND') {}

/** Refuses to store a secret that this server could not encrypt. */
export class EncryptionKeysMissingError extends plainError('ENCRYPTION_KEYS_MISSING') {}

/** Refuses an attempt while an account or an address has to wait. */
export class RateLimitedError extends UserError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('RATE_LIMITED', `Too many attempts. Try again in ${retryAfterSeconds} seconds.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Refuses an attempt from an address with many failed ones, until its client has solved a puzzle. */
export class ProofOfWorkRequiredError extends UserError {
  /** The challenge of ALTCHA, for the library of the client. It is no secret. */
  readonly puzzle: unknown;

  constructor(puzzle: unknown) {
    super('PROOF_OF_WORK_REQUIRED', userErrors.PROOF_OF_WORK_REQUIRED.message);
    this.puzzle = puzzle;
  }
}

/**
 * Tells a user who has proved the password or the mailbox that the account is suspended. To others, it is like any other
 * account.
 */
export class AccountSuspendedError extends plainError('ACCOUNT_SUSPENDED') {}

/** Refuses links that were never issued, used, expired or replaced in the same way, on purpose. */
export class TokenInvalidError extends plainError('TOKEN_INVALID') {}

/** The reasons why a challenge cannot be answered, with their messages. */
export const challengeProblems = {
  UNKNOWN: 'This challenge does not exist, or is for another operation. Begin again.',
  EXPIRED: 'This challenge has expired. Begin again.',
  USED: 'This challenge was used already. Begin again.',
  TOO_MANY_FAILURES: 'This challenge got too many wrong answers. Begin again.',
  OTHER_DEVICE: 'Another device began this. Begin again on this device.',
} as const;

export type ChallengeProblem = keyof typeof challengeProblems;

/** Refuses an answer to a challenge that cannot be answered any more, or not by this client. */
export class ChallengeInvalidError extends UserError {
  readonly reason: ChallengeProblem;

  constructor(reason: ChallengeProblem) {
    super('CHALLENGE_INVALID', challengeProblems[reason]);
    this.reason = reason;
  }
}

/** The reasons why the answer of a passkey is not accepted, with their messages. */
export const passkeyProblems = {
  MALFORMED: 'The answer of the passkey cannot be read. Send the JSON of the browser unchanged.',
  WRONG_ORIGIN: 'The passkey was used on a page that is none of this application. The operator sets PASSKEY_ORIGINS.',
  WRONG_RP_ID: 'The passkey belongs to another domain. The operator sets PASSKEY_RP_ID.',
  WRONG_CHALLENGE: 'The passkey has answered another challenge. Begin again.',
  UNKNOWN_CREDENTIAL: 'No account has this passkey any more. Delete it from the device, and sign in in another way.',
  FOREIGN_CREDENTIAL: 'The passkey belongs to another account.',
  USER_NOT_PRESENT: 'The device has not asked its user. Begin again.',
  USER_NOT_VERIFIED: 'The device has not verified its user. Set up a PIN or a screen lock on it, and begin again.',
  UNSUPPORTED_ALGORITHM: 'The passkey has an algorithm that this server did not ask for.',
  INVALID_SIGNATURE: 'The signature of the passkey is wrong.',
  COUNTER: 'The passkey counts fewer uses than this server: there may be a copy of it. Sign in in another way.',
} as const;

export type PasskeyProblem = keyof typeof passkeyProblems;

/** Refuses the answer of a passkey, and a new passkey. */
export class PasskeyRejectedError extends UserError {
  readonly reason: PasskeyProblem;
  /** The owner of the passkey, for the events. Null if the passkey is unknown. No client may see it. */
  readonly userId: bigint | null;

  constructor(reason: PasskeyProblem, userId: bigint | null = null) {
    super('PASSKEY_REJECTED', passkeyProblems[reason]);
    this.reason = reason;
    this.userId = userId;
  }
}

/** Refuses a passkey that an account has already. */
export class PasskeyExistsError extends plainError('PASSKEY_EXISTS') {}

/** Refuses one passkey too many. */
export class PasskeyLimitError extends plainError('PASSKEY_LIMIT') {}

/** Refuses the removal of a factor without which the user could not sign in. */
export class LastFactorError extends plainError('LAST_FACTOR') {}

/** Returns whether an error is the refusal of a proof. Every other error says nothing about the proof. */
export function isWrongProof(error: unknown): boolean {
  return error instanceof InvalidCredentialsError || error instanceof PasskeyRejectedError;
}

/** Refuses a change of a factor that the account does not have. */
export class FactorNotFoundError extends plainError('FACTOR_NOT_FOUND') {}

const secondFactorNeeds = {
  ROLE: 'Your role needs a second factor.',
  AUTHENTICATOR_APP: 'Your authenticator app is asked for at each sign-in. Remove it first.',
} as const;

/** Refuses to turn off a second factor that the account needs all the same. */
export class SecondFactorNeededError extends UserError {
  static readonly code = 'SECOND_FACTOR_NEEDED';

  constructor(need: keyof typeof secondFactorNeeds = 'ROLE') {
    super('SECOND_FACTOR_NEEDED', secondFactorNeeds[need]);
  }
}

/** Refuses an operation that would leave no administrator. */
export class LastAdministratorError extends plainError('LAST_ADMINISTRATOR') {}

/** Refuses an access token for an audience that the operator does not allow. */
export class AudienceNotAllowedError extends plainError('AUDIENCE_NOT_ALLOWED') {}

/** Codes of failed requests, in `errors`. */
export type RequestErrorCode =
  | 'BAD_USER_INPUT'
  | 'BATCHING_NOT_SUPPORTED'
  | 'CANNOT_SEND_PQ_ID_AND_BODY'
  | 'EMAIL_SIGN_IN_DISABLED'
  | 'INTROSPECTION_DISABLED'
  | 'NOT_A_SUBSCRIPTION'
  | 'SLOW_CONSUMER'
  | 'SUBSCRIPTIONS_DISABLED'
  | 'TOO_MANY_STREAMS'
  | 'PERSISTED_QUERY_ID_REQUIRED'
  | 'PERSISTED_QUERY_NOT_FOUND'
  | 'PERSISTED_QUERY_NOT_IN_LIST'
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'CSRF_TOKEN_INVALID'
  | 'SERVICE_KEY_INVALID'
  | 'CROSS_SITE_COOKIE'
  | 'SESSION_TOKEN_REPLACED'
  | 'RESUME_TOO_OLD'
  | 'PROOF_OF_WORK_REQUIRED'
  | 'RATE_LIMITED'
  | 'SERVER_OVERLOADED'
  | 'SERVICE_UNAVAILABLE';

/** Fails a request because of the caller or the system: it is thrown, and goes into `errors` with `extensions.code`. */
export class RequestError extends Error {
  readonly code: RequestErrorCode;
  /** The time until a retry may succeed. Null if a retry changes nothing. */
  readonly retryAfterSeconds: number | null;
  /** Further members of `extensions`. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: RequestErrorCode,
    message: string,
    retryAfterSeconds: number | null = null,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
    this.details = details;
  }
}

/** Returns the refusal of an operation that needs a signed-in user. */
export function notSignedIn(): RequestError {
  return new RequestError('UNAUTHENTICATED', 'You are not signed in. Log in first.');
}

/** Returns the refusal of an operation whose session has ended in the meantime. */
export function sessionEnded(): RequestError {
  return new RequestError('UNAUTHENTICATED', 'This session has ended. Log in first.');
}

/** Returns the refusal of a request with a session token that a newer one has replaced in the meantime. */
export function tokenReplaced(): RequestError {
  const message = 'This session has a new token. Send the request again with it.';
  return new RequestError('SESSION_TOKEN_REPLACED', message, 1);
}

/** Returns the refusal of a session cookie that the browser would drop without a word. */
export function crossSiteCookie(): RequestError {
  const message =
    'The page and this server belong to different sites, so the browser would drop the session cookie. Use transport: ' +
    'BEARER, or serve both under one site, such as app.example.com and accounts.example.com.';
  return new RequestError('CROSS_SITE_COOKIE', message);
}

/** Says in one sentence, without a stack trace, why the server or a command cannot start. */
export class OperatorError extends Error {}

/** Refuses settings, with a line for each. */
export class InvalidSettingsError extends OperatorError {}

/** Refuses the value of a setting, or a variable that looks like one. */
export class SettingError extends InvalidSettingsError {
  readonly setting: string;
  /** The setting whose value makes this one invalid. Null if the value is invalid in any case. */
  readonly because: string | null;

  constructor(setting: string, message: string, because: string | null = null) {
    super(message);
    this.setting = setting;
    this.because = because;
  }
}

/**
 * Tells the operator of a running server about its state in one sentence, without a stack trace. It is reported, and
 * never thrown.
 */
export class OperatorNotice extends Error {
  readonly severity: 'info' | 'warning' | 'error';

  constructor(severity: OperatorNotice['severity'], message: string) {
    super(message);
    this.severity = severity;
  }
}
