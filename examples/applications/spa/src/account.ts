/** The operations of this application. */
import { keepToken, RequestError, send } from './accounts.ts';

export type Device = {
  id: string;
  clientName: string | null;
  ipAddress: string | null;
  lastSeenAt: string;
  isCurrent: boolean;
};

export type Account = {
  id: string;
  email: string;
  needsSecondFactor: boolean;
  authenticatorApp: { createdAt: string } | null;
  passkeys: { id: string }[];
  sessions: Device[];
};

const accountQuery = /* GraphQL */ `
  query Account {
    viewer {
      id
      email
      needsSecondFactor
      authenticatorApp { createdAt }
      passkeys { id }
      sessions { id clientName ipAddress lastSeenAt isCurrent }
    }
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
