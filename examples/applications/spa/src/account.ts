/** The operations of this application. */
import { keepToken, RequestError, send } from './accounts.ts';
import type { Pending } from './factors.ts';

export type Device = {
  id: string;
  clientName: string | null;
  ipAddress: string | null;
  lastSeenAt: string;
  isCurrent: boolean;
};

export type Account = { id: string; email: string; passkeys: { id: string }[]; sessions: Device[] };

const accountQuery = /* GraphQL */ `
  query Account {
    viewer { id email passkeys { id } sessions { id clientName ipAddress lastSeenAt isCurrent } }
    currentSession { antiCSRFToken }
  }
`;

type AccountData = { viewer: Account | null; currentSession: { antiCSRFToken: string } | null };

/** Returns the account of the signed-in user, and keeps the anti-CSRF token. Null if nobody is signed in. */
export async function loadAccount(): Promise<Account | null> {
  const { viewer, currentSession } = await send<AccountData>(accountQuery);
  keepToken(currentSession?.antiCSRFToken ?? null);
  return viewer;
}

const signInFields = /* GraphQL */ `
  fragment SignInFields on SignInPayload { antiCSRFToken }
  fragment Refusal on UserError {
    code
    message
    ... on ValidationError { issues { message } }
  }
`;

const logInMutation = /* GraphQL */ `
  mutation LogIn($email: String!, $password: String!) {
    result: login(email: $email, password: $password) {
      ...SignInFields
      ... on SecondFactorRequired { challenge methods passkeyOptions }
      ...Refusal
    }
  }
  ${signInFields}
`;

const signUpMutation = /* GraphQL */ `
  mutation SignUp($email: String!, $password: String!) {
    result: signUp(email: $email, password: $password) { ...SignInFields ...Refusal }
  }
  ${signInFields}
`;

type SignInData = {
  result: Partial<Pending> & { antiCSRFToken?: string; message?: string; issues?: { message: string }[] };
};

export type Credentials = { email: string; password: string };

/** The result of a first step: the reasons of its refusal, or the second step that it needs. Neither after a sign-in. */
export type FirstStep = { problems: string[]; pending: Pending | null };

/** Signs in, or returns the second step, or the reasons of the refusal. */
export async function signIn(kind: 'login' | 'signUp', credentials: Credentials): Promise<FirstStep> {
  const mutation = kind === 'login' ? logInMutation : signUpMutation;
  const { result } = await send<SignInData>(mutation, credentials);
  const { challenge, methods = [], passkeyOptions = null } = result;
  if (challenge !== undefined) return { problems: [], pending: { challenge, methods, passkeyOptions } };
  keepToken(result.antiCSRFToken ?? null);
  const problems =
    result.issues?.map(({ message }) => message) ?? (result.message === undefined ? [] : [result.message]);
  return { problems, pending: null };
}

const revokeMutation = /* GraphQL */ `
  mutation Revoke($id: ID!) {
    revoke(id: $id) { ... on RevokePayload { revokedSessionId } ... on UserError { code message } }
  }
`;

/** Ends the session of another device. */
export async function revoke(account: Account, id: string): Promise<void> {
  await mutateFor(account, revokeMutation, { id });
}

const logOutMutation = /* GraphQL */ `
  mutation LogOut { logout { revokedSessionId } }
`;

export async function logOut(account: Account): Promise<void> {
  await mutateFor(account, logOutMutation);
  keepToken(null);
}

const tokenQuery = /* GraphQL */ `
  query Token { viewer { id } currentSession { antiCSRFToken } }
`;

const otherUser = 'Another user has signed in, in another tab. Nothing was done.';

type TokenData = { viewer: { id: string } | null; currentSession: { antiCSRFToken: string } | null };

/**
 * Sends a mutation for the user whom the page shows. A login in another tab replaces the session, and with it the
 * anti-CSRF token. The mutation is then sent again, but only for the same user.
 *
 * @throws RequestError `OTHER_USER` if the session is not theirs any more. Nothing was done
 */
export async function mutateFor<Data>(
  { id }: Account,
  mutation: string,
  variables: Record<string, unknown> = {},
): Promise<Data> {
  try {
    return await send<Data>(mutation, variables);
  } catch (error) {
    if (!(error instanceof RequestError && error.code === 'CSRF_TOKEN_INVALID')) throw error;
    const { viewer, currentSession } = await send<TokenData>(tokenQuery);
    if (viewer?.id !== id) throw new RequestError('OTHER_USER', otherUser);
    keepToken(currentSession?.antiCSRFToken ?? null);
    return send<Data>(mutation, variables);
  }
}
