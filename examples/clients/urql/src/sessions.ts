import type { Client } from '@urql/core';
import type { Account, Payload } from './account.ts';
import {
  completeLoginMutation,
  confirmAppMutation,
  loginMutation,
  logoutMutation,
  revokeMutation,
  signUpMutation,
  startAppMutation,
} from './operations.ts';
import { type CompleteLoginResult, explainCode, explainRevoke, explainSignIn, type SignInResult } from './refusals.ts';
import { answerFor, type Code, type NewApp, type NextStep, type SecondFactor } from './steps.ts';

export type Credentials = { email: string; password: string };

/** Signs up. */
export async function signUp(account: Account, credentials: Credentials): Promise<NextStep> {
  const urql = account.create();
  const variables = { ...credentials, transport: account.transport };
  const { data, error } = await urql.mutation(signUpMutation, variables);
  if (error) throw error;
  return nextStep(account, urql, data?.signUp);
}

/** Logs in. */
export async function logIn(account: Account, credentials: Credentials): Promise<NextStep> {
  const urql = account.create();
  const variables = { ...credentials, transport: account.transport };
  const { data, error } = await urql.mutation(loginMutation, variables);
  if (error) throw error;
  return nextStep(account, urql, data?.login);
}

// #region second-step
/** Answers the second step of a login. */
export async function completeLogin(
  account: Account,
  step: SecondFactor,
  { code, trustDevice }: Code,
): Promise<NextStep> {
  const urql = account.create();
  const variables = { challenge: step.challenge, answer: answerFor(code), trustDevice };
  const { data, error } = await urql.mutation(completeLoginMutation, variables);
  if (error) throw error;
  const result = data?.completeLogin;
  // The challenge is valid for further codes.
  const isRetry = result?.__typename === 'InvalidCredentialsError' || result?.__typename === 'RateLimitedError';
  return isRetry ? { ...step, problem: explainCode(result) } : nextStep(account, urql, result);
}

type Result = SignInResult | CompleteLoginResult | null | undefined;

/** Continues after a result: keeps the tokens, or returns what the user has to do. */
async function nextStep(account: Account, urql: Client, result: Result): Promise<NextStep> {
  if (!result) throw new Error('A mutation without errors has a result.');
  switch (result.__typename) {
    case 'SignInPayload':
      return signedIn(account, urql, result);
    case 'SecondFactorRequired':
      return result;
    case 'SecondFactorEnrolmentRequired':
      return startApp(account, result.challenge);
    case 'ChallengeInvalidError':
    case 'PasskeyRejectedError':
      return explainCode(result);
    default:
      return explainSignIn(result);
  }
}
// #endregion

/** Keeps the tokens, and then the client of the login: the one before may have data of another user. */
function signedIn(account: Account, urql: Client, payload: Payload): null {
  account.keep(payload);
  account.reset(urql);
  return null;
}

/** Starts the addition of an authenticator app: for the signed-in user, or as a part of a sign-in. */
export async function startApp({ urql, transport }: Account, signIn: string | null): Promise<NewApp | string> {
  const { data, error } = await urql.mutation(startAppMutation, { signIn, transport });
  if (error) throw error;
  const result = data?.startAuthenticatorApp;
  if (!result) throw new Error('A mutation without errors has a result.');
  return result.__typename === 'StartAuthenticatorAppPayload' ? { ...result, signIn } : explainCode(result);
}

/** Adds the app by its first code. Returns the recovery codes, which the user has to keep, or the next step. */
export async function confirmApp(account: Account, app: NewApp, code: string): Promise<string[] | NewApp | string> {
  const urql = account.create();
  const { challenge, signIn } = app;
  const { data, error } = await urql.mutation(confirmAppMutation, { challenge, code, signIn });
  if (error) throw error;
  const result = data?.confirmAuthenticatorApp;
  if (!result) throw new Error('A mutation without errors has a result.');
  if (result.__typename === 'FactorPayload') {
    signedIn(account, urql, result);
    return result.recoveryCodes ?? [];
  }
  const isRetry = result.__typename === 'InvalidCredentialsError' || result.__typename === 'RateLimitedError';
  return isRetry ? { ...app, problem: explainCode(result) } : explainCode(result);
}

/** Ends a session. src/cache.ts removes it from the list. Returns null, or a sentence for the user. */
export async function revoke({ urql }: Account, id: string): Promise<string | null> {
  const { data, error } = await urql.mutation(revokeMutation, { id });
  if (error) throw error;
  const result = data?.revoke;
  return !result || result.__typename === 'RevokePayload' ? null : explainRevoke(result);
}

/** Ends the session of this client. */
export async function logOut(account: Account): Promise<void> {
  const { error } = await account.urql.mutation(logoutMutation, {});
  if (error) throw error;
  account.forget();
  account.reset();
}
