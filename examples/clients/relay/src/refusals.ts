import type { mutationsCompleteLoginMutation } from './__generated__/mutationsCompleteLoginMutation.graphql.ts';
import type { mutationsConfirmAppMutation } from './__generated__/mutationsConfirmAppMutation.graphql.ts';
import type { mutationsLoginMutation } from './__generated__/mutationsLoginMutation.graphql.ts';
import type { mutationsRevokeMutation } from './__generated__/mutationsRevokeMutation.graphql.ts';
import type { mutationsSignUpMutation } from './__generated__/mutationsSignUpMutation.graphql.ts';
import type { mutationsStartAppMutation } from './__generated__/mutationsStartAppMutation.graphql.ts';
import type { DataOf } from './store.ts';

export type SignInResult = DataOf<mutationsSignUpMutation>['signUp'] | DataOf<mutationsLoginMutation>['login'];

export type CompleteLoginResult = DataOf<mutationsCompleteLoginMutation>['completeLogin'];

export type StartAppResult = DataOf<mutationsStartAppMutation>['startAuthenticatorApp'];

export type ConfirmAppResult = DataOf<mutationsConfirmAppMutation>['confirmAuthenticatorApp'];

export type RevokeResult = DataOf<mutationsRevokeMutation>['revoke'];

/** The members of the results above that are no refusals. */
type Success =
  | 'SignInPayload'
  | 'SecondFactorRequired'
  | 'SecondFactorEnrolmentRequired'
  | 'StartAuthenticatorAppPayload'
  | 'FactorPayload';

type RefusalOf<Result> = Exclude<Result, { __typename: Success }>;

/** Returns a sentence for the user. A refusal without a case is an error of the compiler. */
export function explainSignIn(refusal: RefusalOf<SignInResult>): string {
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
    case '%other':
      return unknownRefusal;
    default:
      return refusal satisfies never;
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
    case '%other':
      return unknownRefusal;
    default:
      return refusal satisfies never;
  }
}

/** Returns a sentence for the user. */
export function explainRevoke(refusal: Exclude<RevokeResult, { __typename: 'RevokePayload' }>): string {
  switch (refusal.__typename) {
    case 'SessionNotFoundError':
      return 'This device is signed out already.';
    case 'ReauthenticationRequiredError':
      return 'Enter your password again.';
    case '%other':
      return unknownRefusal;
    default:
      return refusal satisfies never;
  }
}

/** A later version of the server may refuse for another reason. Relay gives it the name `%other` in types. */
const unknownRefusal = 'This did not work.';
