import type { ApolloClient } from '@apollo/client';
import { loginMutation, logoutMutation, revokeMutation, signUpMutation, viewerQuery } from './operations.ts';
import { explainRevoke, explainSignIn, type SignInResult } from './refusals.ts';

export type Credentials = { email: string; password: string };

export type Payload = Extract<SignInResult, { __typename: 'SignInPayload' }>;

/** Keeps the tokens of a new session. */
export type Keep = (payload: Payload) => void;

export type SignIn = { client: ApolloClient; transport: 'BEARER' | 'COOKIE'; keep: Keep };

/** Signs up. Returns null, or a sentence for the user. */
export async function signUp({ client, transport, keep }: SignIn, credentials: Credentials): Promise<string | null> {
  // Tokens do not belong into the cache.
  const options = { variables: { ...credentials, transport }, fetchPolicy: 'no-cache' } as const;
  const { data } = await client.mutate({ mutation: signUpMutation, ...options });
  return signedIn({ client, keep }, data?.signUp);
}

/** Logs in. Returns null, or a sentence for the user. */
export async function logIn({ client, transport, keep }: SignIn, credentials: Credentials): Promise<string | null> {
  const options = { variables: { ...credentials, transport }, fetchPolicy: 'no-cache' } as const;
  const { data } = await client.mutate({ mutation: loginMutation, ...options });
  return signedIn({ client, keep }, data?.login);
}

// #region signed-in
async function signedIn({ client, keep }: Pick<SignIn, 'client' | 'keep'>, result: SignInResult | null | undefined) {
  if (!result) throw new Error('A mutation without errors has a result.');
  if (result.__typename !== 'SignInPayload') return explainSignIn(result);
  keep(result);
  // The cache may have data of another user. Queries that components watch are sent again.
  await client.resetStore();
  client.writeQuery({ query: viewerQuery, data: { viewer: result.viewer } });
  return null;
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
