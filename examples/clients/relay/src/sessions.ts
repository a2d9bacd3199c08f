import type { Environment } from 'relay-runtime';
import type { mutationsCompleteLoginMutation } from './__generated__/mutationsCompleteLoginMutation.graphql.ts';
import type { mutationsConfirmAppMutation } from './__generated__/mutationsConfirmAppMutation.graphql.ts';
import type { mutationsLoginMutation } from './__generated__/mutationsLoginMutation.graphql.ts';
import type { mutationsLogoutMutation } from './__generated__/mutationsLogoutMutation.graphql.ts';
import type { mutationsRevokeMutation } from './__generated__/mutationsRevokeMutation.graphql.ts';
import type { mutationsSignUpMutation } from './__generated__/mutationsSignUpMutation.graphql.ts';
import type { mutationsStartAppMutation } from './__generated__/mutationsStartAppMutation.graphql.ts';
import type { queriesDevicesQuery } from './__generated__/queriesDevicesQuery.graphql.ts';
import type { Account } from './account.ts';
import {
  completeLoginMutation,
  confirmAppMutation,
  loginMutation,
  logoutMutation,
  revokeMutation,
  signUpMutation,
  startAppMutation,
} from './mutations.ts';
import { devicesQuery } from './queries.ts';
import {
  type CompleteLoginResult,
  type ConfirmAppResult,
  explainCode,
  explainRevoke,
  explainSignIn,
  type SignInResult,
} from './refusals.ts';
import { answerFor, type Code, type NewApp, type NextStep, type SecondFactor } from './steps.ts';
import { mutate, readStore } from './store.ts';

export type Credentials = { email: string; password: string };

/** Signs up. */
export async function signUp(account: Account, variables: Credentials): Promise<NextStep> {
  const relay = account.create();
  const { signUp } = await mutate<mutationsSignUpMutation>(relay, {
    mutation: signUpMutation,
    variables,
    updater(store) {
      const viewer = store.getRootField('signUp')?.getLinkedRecord('viewer');
      if (viewer) store.getRoot().setLinkedRecord(viewer, 'viewer');
    },
  });
  return nextStep(account, relay, signUp);
}

/** Logs in. */
export async function logIn(account: Account, variables: Credentials): Promise<NextStep> {
  const relay = account.create();
  const { login } = await mutate<mutationsLoginMutation>(relay, {
    mutation: loginMutation,
    variables,
    updater(store) {
      const viewer = store.getRootField('login')?.getLinkedRecord('viewer');
      if (viewer) store.getRoot().setLinkedRecord(viewer, 'viewer');
    },
  });
  return nextStep(account, relay, login);
}

// #region second-step
/** Answers the second step of a login. */
export async function completeLogin(
  account: Account,
  step: SecondFactor,
  { code, trustDevice }: Code,
): Promise<NextStep> {
  const relay = account.create();
  const { completeLogin: result } = await mutate<mutationsCompleteLoginMutation>(relay, {
    mutation: completeLoginMutation,
    variables: { challenge: step.challenge, answer: answerFor(code), trustDevice },
    updater(store) {
      const viewer = store.getRootField('completeLogin')?.getLinkedRecord('viewer');
      if (viewer) store.getRoot().setLinkedRecord(viewer, 'viewer');
    },
  });
  // The challenge is valid for further codes.
  const isRetry = result.__typename === 'InvalidCredentialsError' || result.__typename === 'RateLimitedError';
  return isRetry ? { ...step, problem: explainCode(result) } : nextStep(account, relay, result);
}

/** Continues after a result: keeps the tokens, or returns what the user has to do. */
async function nextStep(
  account: Account,
  relay: Environment,
  result: SignInResult | CompleteLoginResult,
): Promise<NextStep> {
  switch (result.__typename) {
    case 'SignInPayload':
      return signedIn(account, relay, result);
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

type Payload =
  | Extract<SignInResult, { __typename: 'SignInPayload' }>
  | Extract<ConfirmAppResult, { __typename: 'FactorPayload' }>;

/** Keeps the tokens, and then the environment of the login: the one before may have data of another user. */
function signedIn(account: Account, relay: Environment, { token, deviceToken }: Payload): null {
  const { store } = account;
  store.write({ session: token ?? null, device: deviceToken ?? store.read().device });
  account.reset(relay);
  return null;
}

/** Starts the addition of an authenticator app: for the signed-in user, or as a part of a sign-in. */
export async function startApp(account: Account, signIn: string | null): Promise<NewApp | string> {
  // The secret of the app does not belong into the store of the user.
  const { startAuthenticatorApp } = await mutate<mutationsStartAppMutation>(account.create(), {
    mutation: startAppMutation,
    variables: { signIn },
  });
  if (startAuthenticatorApp.__typename !== 'StartAuthenticatorAppPayload') return explainCode(startAuthenticatorApp);
  return { ...startAuthenticatorApp, signIn };
}

/** Adds the app by its first code. Returns the recovery codes, which the user has to keep, or the next step. */
export async function confirmApp(account: Account, app: NewApp, code: string): Promise<string[] | NewApp | string> {
  const relay = account.create();
  const { confirmAuthenticatorApp: result } = await mutate<mutationsConfirmAppMutation>(relay, {
    mutation: confirmAppMutation,
    variables: { challenge: app.challenge, code, signIn: app.signIn },
    updater(store) {
      const viewer = store.getRootField('confirmAuthenticatorApp')?.getLinkedRecord('viewer');
      if (viewer) store.getRoot().setLinkedRecord(viewer, 'viewer');
    },
  });
  if (result.__typename === 'FactorPayload') {
    signedIn(account, relay, result);
    return [...(result.recoveryCodes ?? [])];
  }
  const isRetry = result.__typename === 'InvalidCredentialsError' || result.__typename === 'RateLimitedError';
  return isRetry ? { ...app, problem: explainCode(result) } : explainCode(result);
}

// #region revoke
/** Ends a session. It leaves the list of devices by its id. Returns null, or a sentence for the user. */
export async function revoke({ relay }: Account, id: string): Promise<string | null> {
  const list = readStore<queriesDevicesQuery>(relay, devicesQuery).viewer?.sessionsConnection;
  const { revoke } = await mutate<mutationsRevokeMutation>(relay, {
    mutation: revokeMutation,
    variables: { id, connections: list ? [list.__id] : [] },
  });
  return revoke.__typename === 'RevokePayload' ? null : explainRevoke(revoke);
}
// #endregion

/** Ends the session of this client. */
export async function logOut(account: Account): Promise<void> {
  await mutate<mutationsLogoutMutation>(account.relay, { mutation: logoutMutation, variables: {} });
  account.store.write({ ...account.store.read(), session: null });
  account.reset();
}
