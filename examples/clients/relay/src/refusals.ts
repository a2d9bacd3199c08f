import type { mutationsLoginMutation } from './__generated__/mutationsLoginMutation.graphql.ts';
import type { mutationsRevokeMutation } from './__generated__/mutationsRevokeMutation.graphql.ts';
import type { mutationsSignUpMutation } from './__generated__/mutationsSignUpMutation.graphql.ts';
import type { DataOf } from './store.ts';

export type SignInResult = DataOf<mutationsSignUpMutation>['signUp'] | DataOf<mutationsLoginMutation>['login'];

export type RevokeResult = DataOf<mutationsRevokeMutation>['revoke'];

/** Returns a sentence for the user. A refusal without a case is an error of the compiler. */
export function explainSignIn(refusal: Exclude<SignInResult, { __typename: 'SignInPayload' }>): string {
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
