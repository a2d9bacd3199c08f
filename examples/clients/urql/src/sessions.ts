import type { Client } from '@urql/core';
import type { Account } from './account.ts';
import { loginMutation, logoutMutation, revokeMutation, signUpMutation } from './operations.ts';
import { explainRevoke, explainSignIn, type SignInResult } from './refusals.ts';

export type Credentials = { email: string; password: string };

/** Signs up. Returns null, or a sentence for the user. */
export async function signUp(account: Account, credentials: Credentials): Promise<string | null> {
  const urql = account.create();
  const variables = { ...credentials, transport: account.transport };
  const { data, error } = await urql.mutation(signUpMutation, variables);
  if (error) throw error;
  return signedIn(account, urql, data?.signUp);
}

/** Logs in. Returns null, or a sentence for the user. */
export async function logIn(account: Account, credentials: Credentials): Promise<string | null> {
  const urql = account.create();
  const variables = { ...credentials, transport: account.transport };
  const { data, error } = await urql.mutation(loginMutation, variables);
  if (error) throw error;
  return signedIn(account, urql, data?.login);
}

/** Keeps the tokens, and then the client of the login: the one before may have data of another user. */
function signedIn(account: Account, urql: Client, result: SignInResult | null | undefined): string | null {
  if (!result) throw new Error('A mutation without errors has a result.');
  if (result.__typename !== 'SignInPayload') return explainSignIn(result);
  account.keep(result);
  account.reset(urql);
  return null;
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
