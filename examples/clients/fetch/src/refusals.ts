import type { LoginResult, RevokeResult, SignUpResult } from './operations.ts';

type SignInRefusal = Exclude<LoginResult | SignUpResult, { __typename: 'SignInPayload' }>;

/** Returns a sentence for the user. A refusal without a case is an error of the compiler. */
export function explainSignIn(refusal: SignInRefusal): string {
  switch (refusal.__typename) {
    case 'InvalidCredentialsError':
      return 'The email address or the password is wrong.';
    case 'EmailTakenError':
      return 'You have an account already. Log in.';
    case 'AccountSuspendedError':
      return 'Your account is suspended. Write to our support.';
    case 'MailRequestPayload':
      return `Open the link that we sent to ${refusal.email}.`;
    case 'RateLimitedError':
      return `Try again in ${refusal.retryAfterSeconds} seconds.`;
    case 'ValidationError':
      return refusal.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join(' ');
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
