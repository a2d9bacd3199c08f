import type { Environment } from 'relay-runtime';
import type { mutationsLoginMutation } from './__generated__/mutationsLoginMutation.graphql.ts';
import type { mutationsLogoutMutation } from './__generated__/mutationsLogoutMutation.graphql.ts';
import type { mutationsRevokeMutation } from './__generated__/mutationsRevokeMutation.graphql.ts';
import type { mutationsSignUpMutation } from './__generated__/mutationsSignUpMutation.graphql.ts';
import type { queriesDevicesQuery } from './__generated__/queriesDevicesQuery.graphql.ts';
import type { Account } from './account.ts';
import { loginMutation, logoutMutation, revokeMutation, signUpMutation } from './mutations.ts';
import { devicesQuery } from './queries.ts';
import { explainRevoke, explainSignIn, type SignInResult } from './refusals.ts';
import { mutate, readStore } from './store.ts';

export type Credentials = { email: string; password: string };

/** Signs up. Returns null, or a sentence for the user. */
export async function signUp(account: Account, variables: Credentials): Promise<string | null> {
  const relay = account.create();
  const { signUp } = await mutate<mutationsSignUpMutation>(relay, {
    mutation: signUpMutation,
    variables,
    updater(store) {
      const viewer = store.getRootField('signUp')?.getLinkedRecord('viewer');
      if (viewer) store.getRoot().setLinkedRecord(viewer, 'viewer');
    },
  });
  return signedIn(account, relay, signUp);
}

/** Logs in. Returns null, or a sentence for the user. */
export async function logIn(account: Account, variables: Credentials): Promise<string | null> {
  const relay = account.create();
  const { login } = await mutate<mutationsLoginMutation>(relay, {
    mutation: loginMutation,
    variables,
    updater(store) {
      const viewer = store.getRootField('login')?.getLinkedRecord('viewer');
      if (viewer) store.getRoot().setLinkedRecord(viewer, 'viewer');
    },
  });
  return signedIn(account, relay, login);
}

/** Keeps the tokens, and then the environment of the login: the one before may have data of another user. */
function signedIn(account: Account, relay: Environment, result: SignInResult): string | null {
  if (result.__typename !== 'SignInPayload') return explainSignIn(result);
  const { store } = account;
  store.write({ session: result.token ?? null, device: result.deviceToken ?? store.read().device });
  account.reset(relay);
  return null;
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
