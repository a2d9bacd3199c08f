import type { Operation } from './client.ts';

export type Viewer = { id: string; email: string };

/** A live session of the user. A `DateTime` is text in RFC 3339: `new Date(lastSeenAt)` reads it. */
export type Device = { id: string; clientName: string | null; isCurrent: boolean; lastSeenAt: string };

type Payload = {
  __typename: 'SignInPayload';
  token: string | null;
  deviceToken: string | null;
  viewer: Viewer;
};

/** A member of a result union that says why nothing was done. */
export type Refusal<Name extends string> = Name extends string ? { __typename: Name; message: string } : never;

export type RateLimited = Refusal<'RateLimitedError'> & { retryAfterSeconds: number };

export type Invalid = Refusal<'ValidationError'> & { issues: { path: string[]; message: string }[] };

export type SignUpResult = Payload | Refusal<'EmailTakenError'> | RateLimited | Invalid | CheckMail;

/** The answer of a server with PRIVATE_SIGN_UP: the mailed link continues with `confirmSignUp`. */
type CheckMail = { __typename: 'MailRequestPayload'; email: string };

export type LoginResult =
  | Payload
  | Refusal<'InvalidCredentialsError' | 'AccountSuspendedError'>
  | RateLimited
  | Invalid;

export type RevokeResult =
  | { __typename: 'RevokePayload'; revokedSessionId: string | null }
  | Refusal<'SessionNotFoundError' | 'ReauthenticationRequiredError'>;

export type Credentials = { email: string; password: string };

/** The fragment on the interface covers every refusal, also those of later versions of the server. */
const result = `
  __typename
  ... on SignInPayload { token deviceToken viewer { id email } }
  ... on UserError { message }
  ... on RateLimitedError { retryAfterSeconds }
  ... on ValidationError { issues { path message } }`;

export const signUpMutation: Operation<{ signUp: SignUpResult }, Credentials> = {
  query: `mutation SignUp($email: String!, $password: String!) {
    signUp(email: $email, password: $password, transport: BEARER) { ${result} ... on MailRequestPayload { email } }
  }`,
};

export const loginMutation: Operation<{ login: LoginResult }, Credentials> = {
  query: `mutation Login($email: String!, $password: String!) {
    login(email: $email, password: $password, transport: BEARER) { ${result} }
  }`,
};

export const devicesQuery: Operation<{ viewer: (Viewer & { sessions: Device[] | null }) | null }, object> = {
  query: '{ viewer { id email sessions { id clientName isCurrent lastSeenAt } } }',
};

export const revokeMutation: Operation<{ revoke: RevokeResult }, { id: string }> = {
  query: `mutation Revoke($id: ID!) {
    revoke(id: $id) { __typename ... on RevokePayload { revokedSessionId } ... on UserError { message } }
  }`,
};

export const logoutMutation: Operation<{ logout: { revokedSessionId: string | null } }, object> = {
  query: 'mutation Logout { logout { revokedSessionId } }',
};
