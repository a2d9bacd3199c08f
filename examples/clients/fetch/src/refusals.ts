import type {
  CompleteLoginResult,
  ConfirmAppResult,
  LoginResult,
  RevokeResult,
  SignUpResult,
  StartAppResult,
} from './operations.ts';

/** The members of results that are no refusals. */
type Success =
  | 'SignInPayload'
  | 'SecondFactorRequired'
  | 'SecondFactorEnrolmentRequired'
  | 'StartAuthenticatorAppPayload'
  | 'FactorPayload';

type RefusalOf<Result> = Exclude<Result, { __typename: Success }>;

/** Returns a sentence for the user. A refusal without a case is an error of the compiler. */
export function explainSignIn(refusal: RefusalOf<LoginResult | SignUpResult>): string {
  switch (refusal.__typename) {
    case 'InvalidCredentialsError':
      return 'The email address or the password is wrong.';
    case 'EmailTakenError':
      return 'You have an account already. Log in.';
    case 'AccountSuspendedError':
      return 'Your account is suspended. Write to our support.';
    case 'MailRequestPayload':
      return `Open the link that we sent to ${refusal.email}.`;
    case 'UsernameTakenError':
      return 'Choose another username.';
    // Another client solves it, see docs/clients.md. Here, the user has to wait.
    case 'ProofOfWorkRequiredError':
      return 'Too many attempts from your network have failed. Try again in 15 minutes.';
    case 'RateLimitedError':
      return `Try again in ${refusal.retryAfterSeconds} seconds.`;
    case 'ValidationError':
      return refusal.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join(' ');
    default:
      return explainUnknown(refusal);
  }
}

/** Returns a sentence for a user who has typed a code, or adds an app. */
export function explainCode(refusal: RefusalOf<CompleteLoginResult | StartAppResult | ConfirmAppResult>): string {
  switch (refusal.__typename) {
    case 'InvalidCredentialsError':
      return 'This code is wrong, or it was used already. Type the next one.';
    case 'AccountSuspendedError':
      return 'Your account is suspended. Write to our support.';
    case 'RateLimitedError':
      return `Try again in ${refusal.retryAfterSeconds} seconds.`;
    case 'ReauthenticationRequiredError':
      return 'Log out, log in again, and add the app then.';
    // The message gives the reason, such as too much time.
    case 'ChallengeInvalidError':
    case 'PasskeyRejectedError':
    case 'EncryptionKeysMissingError':
      return refusal.message;
    default:
      return explainUnknown(refusal);
  }
}

/** Returns a sentence for the user. */
export function explainRevoke(refusal: Exclude<RevokeResult, { __typename: 'RevokePayload' }>): string {
  switch (refusal.__typename) {
    case 'SessionNotFoundError':
      return 'This device is signed out already.';
    case 'ReauthenticationRequiredError':
      return 'Enter your password again.';
    default:
      return explainUnknown(refusal);
  }
}

/** Takes what no case has left, so its type is `never`. A later version of the server may still send such a refusal. */
function explainUnknown(refusal: never): string {
  return (refusal as { message?: string }).message ?? 'This did not work.';
}
