const signInFields = /* GraphQL */ `
  fragment SignInFields on SignInPayload { viewer { email } }
  fragment Refusal on UserError {
    code
    message
    ... on ValidationError { issues { message } }
  }
`;

export const logInMutation = /* GraphQL */ `
  mutation LogIn($email: String!, $password: String!, $remember: Boolean!) {
    result: login(email: $email, password: $password, remember: $remember) { ...SignInFields ...Refusal }
  }
  ${signInFields}
`;

export const signUpMutation = /* GraphQL */ `
  mutation SignUp($email: String!, $password: String!) {
    result: signUp(email: $email, password: $password) { ...SignInFields ...Refusal }
  }
  ${signInFields}
`;

/** The data of both mutations. A refusal has a `message`. */
export type SignInData = {
  result: { viewer?: { email: string }; message?: string; issues?: { message: string }[] };
};

export const accountQuery = /* GraphQL */ `
  query Account {
    viewer { email sessions { id clientName ipAddress lastSeenAt isCurrent } }
  }
`;

export type Device = {
  id: string;
  clientName: string | null;
  ipAddress: string | null;
  lastSeenAt: string;
  isCurrent: boolean;
};

export type AccountData = { viewer: { email: string; sessions: Device[] } | null };

export const revokeMutation = /* GraphQL */ `
  mutation Revoke($id: ID!) {
    revoke(id: $id) { ... on RevokePayload { revokedSessionId } ... on UserError { code message } }
  }
`;

export const logOutMutation = /* GraphQL */ `
  mutation LogOut { logout { revokedSessionId } }
`;
