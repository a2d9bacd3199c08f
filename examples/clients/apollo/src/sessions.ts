import type { ApolloClient } from '@apollo/client';
import {
  completeLoginMutation,
  confirmAppMutation,
  loginMutation,
  logoutMutation,
  revokeMutation,
  signUpMutation,
  startAppMutation,
  viewerQuery,
} from './operations.ts';
import {
  type CompleteLoginResult,
  type ConfirmAppResult,
  explainCode,
  explainRevoke,
  explainSignIn,
  type SignInResult,
} from './refusals.ts';
import { answerFor, type Code, type NewApp, type NextStep, type SecondFactor } from './steps.ts';

export type Credentials = { email: string; password: string };

export type Payload =
  | Extract<SignInResult, { __typename: 'SignInPayload' }>
  | Extract<ConfirmAppResult, { __typename: 'FactorPayload' }>;

/** Keeps the tokens of a session. */
export type Keep = (payload: Payload) => void;

export type SignIn = { client: ApolloClient; transport: 'BEARER' | 'COOKIE'; keep: Keep };

/** Signs up. */
export async function signUp(signIn: SignIn, credentials: Credentials): Promise<NextStep> {
  const { client, transport } = signIn;
  // Tokens do not belong into the cache.
  const options = { variables: { ...credentials, transport }, fetchPolicy: 'no-cache' } as const;
  const { data } = await client.mutate({ mutation: signUpMutation, ...options });
  return nextStep(signIn, data?.signUp);
}

/** Logs in. */
export async function logIn(signIn: SignIn, credentials: Credentials): Promise<NextStep> {
  const { client, transport } = signIn;
  const options = { variables: { ...credentials, transport }, fetchPolicy: 'no-cache' } as const;
  const { data } = await client.mutate({ mutation: loginMutation, ...options });
  return nextStep(signIn, data?.login);
}

// #region second-step
/** Answers the second step of a login. */
export async function completeLogin(
  signIn: SignIn,
  step: SecondFactor,
  { code, trustDevice }: Code,
): Promise<NextStep> {
  const variables = { challenge: step.challenge, answer: answerFor(code), trustDevice };
  const options = { variables, fetchPolicy: 'no-cache' } as const;
  const { data } = await signIn.client.mutate({ mutation: completeLoginMutation, ...options });
  const result = data?.completeLogin;
  // The challenge is valid for further codes.
  const isRetry = result?.__typename === 'InvalidCredentialsError' || result?.__typename === 'RateLimitedError';
  return isRetry ? { ...step, problem: explainCode(result) } : nextStep(signIn, result);
}

type Result = SignInResult | CompleteLoginResult | null | undefined;

/** Continues after a result: keeps the tokens, or returns what the user has to do. */
async function nextStep(signIn: SignIn, result: Result): Promise<NextStep> {
  if (!result) throw new Error('A mutation without errors has a result.');
  switch (result.__typename) {
    case 'SignInPayload':
      return signedIn(signIn, result);
    case 'SecondFactorRequired':
      return result;
    case 'SecondFactorEnrolmentRequired':
      return startApp(signIn, result.challenge);
    case 'ChallengeInvalidError':
    case 'PasskeyRejectedError':
      return explainCode(result);
    default:
      return explainSignIn(result);
  }
}
// #endregion

// #region signed-in
async function signedIn({ client, keep }: Pick<SignIn, 'client' | 'keep'>, payload: Payload): Promise<null> {
  keep(payload);
  // The cache may have data of another user. Queries that components watch are sent again.
  await client.resetStore();
  client.writeQuery({ query: viewerQuery, data: { viewer: payload.viewer } });
  return null;
}
// #endregion

// #region app
/** Starts the addition of an authenticator app: for the signed-in user, or as a part of a sign-in. */
export async function startApp({ client, transport }: SignIn, signIn: string | null): Promise<NewApp | string> {
  const options = { variables: { signIn, transport }, fetchPolicy: 'no-cache' } as const;
  const { data } = await client.mutate({ mutation: startAppMutation, ...options });
  const result = data?.startAuthenticatorApp;
  if (!result) throw new Error('A mutation without errors has a result.');
  return result.__typename === 'StartAuthenticatorAppPayload' ? { ...result, signIn } : explainCode(result);
}

/** Adds the app by its first code. Returns the recovery codes, which the user has to keep, or the next step. */
export async function confirmApp(signIn: SignIn, app: NewApp, code: string): Promise<string[] | NewApp | string> {
  const options = {
    variables: { challenge: app.challenge, code, signIn: app.signIn },
    fetchPolicy: 'no-cache',
  } as const;
  const { data } = await signIn.client.mutate({ mutation: confirmAppMutation, ...options });
  const result = data?.confirmAuthenticatorApp;
  if (!result) throw new Error('A mutation without errors has a result.');
  if (result.__typename === 'FactorPayload') {
    await signedIn(signIn, result);
    return result.recoveryCodes ?? [];
  }
  const isRetry = result.__typename === 'InvalidCredentialsError' || result.__typename === 'RateLimitedError';
  return isRetry ? { ...app, problem: explainCode(result) } : explainCode(result);
}
// #endregion

// #region revoke
/** Ends a session. It leaves every cached list by its id. Returns null, or a sentence for the user. */
export async function revoke(client: ApolloClient, id: string): Promise<string | null> {
  const { data } = await client.mutate({
    mutation: revokeMutation,
    variables: { id },
    update(cache, { data }) {
      if (data?.revoke?.__typename !== 'RevokePayload') return;
      cache.evict({ id: cache.identify(data.revoke.session) ?? '' });
      cache.gc();
    },
  });
  const result = data?.revoke;
  return !result || result.__typename === 'RevokePayload' ? null : explainRevoke(result);
}
// #endregion

/** Ends the session of this client. `forget` deletes its tokens. */
export async function logOut(client: ApolloClient, forget: () => void): Promise<void> {
  await client.mutate({ mutation: logoutMutation });
  forget();
  await client.resetStore();
}
